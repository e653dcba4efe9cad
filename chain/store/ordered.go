package store

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	lerrors "github.com/syndtr/goleveldb/leveldb/errors"
	"github.com/syndtr/goleveldb/leveldb/storage"
)

// orderedStorage closes three gaps between goleveldb and "a crash keeps a prefix":
//
//   - goleveldb closes a full journal without syncing it and may sync its successor: a
//     synced batch would survive an earlier one that was lost. Here closing syncs.
//   - goleveldb does not sync the directory after creating a journal or a table. Here
//     the first sync of a file also makes its name durable.
//   - goleveldb's recovery skips a broken block of a journal and goes on after it. Here
//     the journal ends at its first broken chunk, and a broken journal with a written
//     successor is refused as corrupt.
type orderedStorage struct {
	storage.Storage
	syncDir func() error

	mu   sync.Mutex
	torn map[int64]int64 // journal number → its valid length, where the file is longer
}

func newOrderedStorage(stor storage.Storage) *orderedStorage {
	s := &orderedStorage{Storage: stor, syncDir: func() error { return nil }, torn: make(map[int64]int64)}
	if d, ok := stor.(interface{ SyncDir() error }); ok {
		s.syncDir = d.SyncDir
	}
	return s
}

// Create implements storage.Storage.
func (s *orderedStorage) Create(fd storage.FileDesc) (storage.Writer, error) {
	w, err := s.Storage.Create(fd)
	if err != nil {
		return nil, err
	}
	return &orderedWriter{Writer: w, syncDir: s.syncDir, dirty: true}, nil
}

type orderedWriter struct {
	storage.Writer
	syncDir func() error
	named   bool // the directory entry is durable
	dirty   bool // written since the last sync
}

func (w *orderedWriter) Write(p []byte) (int, error) {
	w.dirty = true
	return w.Writer.Write(p)
}

func (w *orderedWriter) Sync() error {
	if err := w.Writer.Sync(); err != nil {
		return err
	}
	if !w.named {
		if err := w.syncDir(); err != nil {
			return err
		}
		w.named = true
	}
	w.dirty = false
	return nil
}

func (w *orderedWriter) Close() error {
	var err error
	if w.dirty {
		err = w.Sync()
	}
	return errors.Join(err, w.Writer.Close())
}

// Open implements storage.Storage. Journals and manifests are cut at the first broken chunk.
func (s *orderedStorage) Open(fd storage.FileDesc) (storage.Reader, error) {
	r, err := s.Storage.Open(fd)
	if err != nil || fd.Type != storage.TypeJournal && fd.Type != storage.TypeManifest {
		return r, err
	}
	valid, size, err := journalPrefix(r)
	if err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	if err == nil && fd.Type == storage.TypeJournal {
		err = s.checkOrder(fd, valid, size)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return &prefixReader{Reader: r, left: valid}, nil
}

// checkOrder refuses a journal that holds batches while an earlier one is torn: the
// earlier was synced whole before the later was written.
func (s *orderedStorage) checkOrder(fd storage.FileDesc, valid, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for num, end := range s.torn {
		if num < fd.Num && valid > 0 {
			return lerrors.NewErrCorrupted(storage.FileDesc{Type: storage.TypeJournal, Num: num},
				fmt.Errorf("broken at offset %d, but journal %d follows", end, fd.Num))
		}
	}
	if valid < size {
		s.torn[fd.Num] = valid
	} else {
		delete(s.torn, fd.Num)
	}
	return nil
}

// Remove implements storage.Storage.
func (s *orderedStorage) Remove(fd storage.FileDesc) error {
	if fd.Type == storage.TypeJournal {
		s.mu.Lock()
		delete(s.torn, fd.Num)
		s.mu.Unlock()
	}
	return s.Storage.Remove(fd)
}

// prefixReader shows the first left bytes of a file that is read from start to end.
type prefixReader struct {
	storage.Reader
	left int64
}

func (r *prefixReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n, err := r.Reader.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

// dirStorage adds SyncDir to goleveldb's file storage.
type dirStorage struct {
	storage.Storage
	dir string
}

// SyncDir makes the directory's entries durable.
func (s *dirStorage) SyncDir() error { return syncDir(s.dir) }

func isCorruption(err error) bool {
	var stored *storage.ErrCorrupted
	var read *lerrors.ErrCorrupted
	return errors.As(err, &read) || errors.As(err, &stored)
}

func isLockError(err error) bool {
	return errors.Is(err, storage.ErrLocked) || errors.Is(err, syscall.EWOULDBLOCK)
}
