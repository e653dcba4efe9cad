//go:build !unix

package devnet

import (
	"os"
	"os/exec"
)

// setAttributes leaves all to the pipe.
func setAttributes(*exec.Cmd, bool) {}

// terminate has no gentle way here.
func terminate(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// lockDir opens the file; the nodes' own locks guard their folders.
func lockDir(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
