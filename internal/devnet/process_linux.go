package devnet

import (
	"os/exec"
	"syscall"
)

// setAttributes gives the child a process group of its own, so that Ctrl-C in a
// terminal reaches only us, and has the kernel kill it when we end.
func setAttributes(cmd *exec.Cmd, signals bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if signals {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
}
