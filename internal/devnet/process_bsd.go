//go:build unix && !linux

package devnet

import (
	"os/exec"
	"syscall"
)

// setAttributes gives the child a process group of its own, so that Ctrl-C in a
// terminal reaches only us. That it ends with us is left to the pipe.
func setAttributes(cmd *exec.Cmd, _ bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
