package store

import (
	"io"
	"os"
	"path/filepath"
	"sort"
)

// FS is what the write-ahead log and the signing record need of a file system. Names
// are slash-separated paths. Implementations are safe for concurrent use.
//
// A created, renamed or removed name is durable only after SyncDir of its directory;
// written bytes only after Sync of their file.
type FS interface {
	// MkdirAll creates dir and its parents, and makes them durable.
	MkdirAll(dir string) error
	// OpenFile opens a file with os.O_* flags. Errors match fs.ErrNotExist when it is absent.
	OpenFile(name string, flag int) (File, error)
	// Rename replaces newName atomically.
	Rename(oldName, newName string) error
	// Remove deletes a file.
	Remove(name string) error
	// ReadDir lists the names of the files in dir, sorted.
	ReadDir(dir string) ([]string, error)
	// SyncDir makes the entries of dir durable.
	SyncDir(dir string) error
	// Lock takes an exclusive lock on the file, creating it; closing releases it. A lock
	// held elsewhere is ErrLocked. The lock dies with the process.
	Lock(name string) (io.Closer, error)
}

// File is an open file. It is used by one goroutine at a time.
type File interface {
	io.Reader
	io.Writer
	io.Closer
	// Sync makes the written bytes durable.
	Sync() error
	// Truncate cuts the file to size bytes.
	Truncate(size int64) error
}

// OS is the operating system's file system. Files are readable by their owner only.
var OS FS = osFS{}

type osFS struct{}

func (osFS) MkdirAll(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// The chain of parents up to the first that existed is not tracked: syncing the
	// parent of each component is cheap and happens once.
	for d := filepath.Clean(dir); ; {
		parent := filepath.Dir(d)
		if err := syncDir(parent); err != nil && !os.IsPermission(err) {
			return err
		}
		if parent == d || parent == "." {
			return nil
		}
		d = parent
	}
}

func (osFS) OpenFile(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osFS) Rename(oldName, newName string) error { return os.Rename(oldName, newName) }
func (osFS) Remove(name string) error             { return os.Remove(name) }
func (osFS) SyncDir(dir string) error             { return syncDir(dir) }
func (osFS) Lock(name string) (io.Closer, error)  { return lockFile(name) }

func (osFS) ReadDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	return names, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

// readFile reads the whole of a file through an FS.
func readFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return data, err
}
