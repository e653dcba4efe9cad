package storetest

import (
	"io"
	"slices"
)

// file is a handle; writes go to the end.
type file struct {
	disk  *FS
	inode *inode
	name  string
	era   int
	pos   int64 // of reads
}

func (f *file) alive() error {
	if f.disk.down || f.era != f.disk.era {
		return ErrCrashed
	}
	return nil
}

func (f *file) change() error {
	if err := f.alive(); err != nil {
		return err
	}
	return f.disk.change()
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.pos)
	f.pos += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.alive(); err != nil {
		return 0, err
	}
	if off < 0 || off >= int64(len(f.inode.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.inode.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) Seek(offset int64, whence int) (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += int64(len(f.inode.data))
	}
	f.pos = offset
	return offset, nil
}

// Write appends; at the crash point a random part of p is written.
func (f *file) Write(p []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.change()
	if err != nil && f.era == f.disk.era && len(p) > 0 {
		p = p[:f.disk.rng.IntN(len(p))]
	}
	if err == nil || f.era == f.disk.era {
		f.inode.data = append(f.inode.data, p...)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f *file) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.change(); err != nil {
		return err
	}
	i := f.inode
	same := min(i.low, len(i.synced), len(i.data))
	i.synced = append(i.synced[:same], i.data[same:]...)
	i.low = len(i.data)
	return nil
}

func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.change(); err != nil {
		return err
	}
	i := f.inode
	if grow := int(size) - len(i.data); grow > 0 {
		i.data = append(i.data, make([]byte, grow)...)
		return nil
	}
	i.data = slices.Clip(i.data[:size])
	i.low = min(i.low, int(size))
	return nil
}

func (f *file) Close() error { return nil }
