package storetest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/syndtr/goleveldb/leveldb/storage"
)

// Storage is a storage.Storage of goleveldb on an FS, as goleveldb's own file storage
// would use a directory of it. After FS.Crash make a new one.
type Storage struct {
	fs  *FS
	dir string

	mu     sync.Mutex
	locked bool
}

// NewStorage returns the storage in dir of d.
func NewStorage(d *FS, dir string) *Storage { return &Storage{fs: d, dir: dir} }

func (s *Storage) name(fd storage.FileDesc) string { return path.Join(s.dir, fd.String()) }

// SyncDir makes the directory's entries durable; store.OpenStorage uses it.
func (s *Storage) SyncDir() error { return s.fs.SyncDir(s.dir) }

// Lock implements storage.Storage.
func (s *Storage) Lock() (storage.Locker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locked {
		return nil, storage.ErrLocked
	}
	s.locked = true
	return (*unlocker)(s), nil
}

type unlocker Storage

func (u *unlocker) Unlock() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.locked = false
}

// Log implements storage.Storage and drops the line.
func (s *Storage) Log(string) {}

// SetMeta implements storage.Storage.
func (s *Storage) SetMeta(fd storage.FileDesc) error {
	temp := path.Join(s.dir, "CURRENT.tmp")
	f, err := s.fs.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte(fd.String() + "\n")); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := s.fs.Rename(temp, path.Join(s.dir, "CURRENT")); err != nil {
		return err
	}
	return s.SyncDir()
}

// GetMeta implements storage.Storage.
func (s *Storage) GetMeta() (storage.FileDesc, error) {
	f, err := s.fs.OpenFile(path.Join(s.dir, "CURRENT"), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return storage.FileDesc{}, os.ErrNotExist
	}
	if err != nil {
		return storage.FileDesc{}, err
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return storage.FileDesc{}, err
	}
	fd, ok := parseName(strings.TrimSuffix(string(data), "\n"))
	if !ok {
		return storage.FileDesc{}, &storage.ErrCorrupted{Err: fmt.Errorf("storetest: CURRENT holds %q", data)}
	}
	return fd, nil
}

func parseName(name string) (fd storage.FileDesc, ok bool) {
	for _, t := range []storage.FileType{storage.TypeManifest, storage.TypeJournal, storage.TypeTable, storage.TypeTemp} {
		pattern := map[storage.FileType]string{
			storage.TypeManifest: "MANIFEST-%06d", storage.TypeJournal: "%06d.log",
			storage.TypeTable: "%06d.ldb", storage.TypeTemp: "%06d.tmp",
		}[t]
		fd = storage.FileDesc{Type: t}
		if _, err := fmt.Sscanf(name, pattern, &fd.Num); err == nil && fd.String() == name {
			return fd, true
		}
	}
	return storage.FileDesc{}, false
}

// List implements storage.Storage.
func (s *Storage) List(ft storage.FileType) ([]storage.FileDesc, error) {
	names, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var list []storage.FileDesc
	for _, name := range names {
		if fd, ok := parseName(name); ok && fd.Type&ft != 0 {
			list = append(list, fd)
		}
	}
	return list, nil
}

// Open implements storage.Storage.
func (s *Storage) Open(fd storage.FileDesc) (storage.Reader, error) {
	f, err := s.fs.OpenFile(s.name(fd), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, os.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	return f.(*file), nil
}

// Create implements storage.Storage.
func (s *Storage) Create(fd storage.FileDesc) (storage.Writer, error) {
	f, err := s.fs.OpenFile(s.name(fd), os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Remove implements storage.Storage.
func (s *Storage) Remove(fd storage.FileDesc) error { return s.fs.Remove(s.name(fd)) }

// Rename implements storage.Storage.
func (s *Storage) Rename(oldfd, newfd storage.FileDesc) error {
	return s.fs.Rename(s.name(oldfd), s.name(newfd))
}

// Close implements storage.Storage.
func (s *Storage) Close() error { return nil }
