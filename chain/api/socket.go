package api

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// AdminSocket is the name of the admin service's socket in a node's data folder.
const AdminSocket = "admin.sock"

// ListenAdmin listens on a unix socket at path that only its owner may open. A
// socket that is there already is replaced: the caller holds the data folder's
// lock. The socket is made in a folder of its own and then moved, so that there is
// no moment at which others may open it. Closing the listener removes it.
func ListenAdmin(path string) (net.Listener, error) {
	if fi, err := os.Lstat(path); err == nil && fi.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("admin socket %s: there is a file that is no socket: %w", path, ErrRefused)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	defer os.RemoveAll(dir)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("admin socket %s (a path may have about 90 bytes): %w", path, err)
	}
	l.SetUnlinkOnClose(false)
	if err := publish(filepath.Join(dir, "s"), path); err != nil {
		l.Close()
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	return &adminListener{UnixListener: l, path: path}, nil
}

func publish(from, to string) error {
	if err := os.Chmod(from, 0o600); err != nil {
		return err
	}
	return os.Rename(from, to)
}

type adminListener struct {
	*net.UnixListener
	path string
}

func (l *adminListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil { // the first time
		err = os.Remove(l.path)
	}
	return err
}
