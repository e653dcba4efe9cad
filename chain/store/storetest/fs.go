package storetest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/isthmus-network/isthmus/chain/store"
)

// ErrCrashed is what every operation returns from the crash point until Crash, and every
// old handle after it.
var ErrCrashed = errors.New("storetest: disk has crashed")

// FS is a store.FS in memory. Safe for concurrent use.
type FS struct {
	mu    sync.Mutex
	rng   *rand.Rand
	names map[string]*inode // as the running system sees it
	kept  map[string]*inode // the durable directory entries
	ops   []dirOp           // changes of names that are not in kept yet, in order
	locks map[string]bool
	era   int // rises with every Crash: older handles are dead
	count int // changing operations so far
	limit int // crash when count reaches it; 0 never
	down  bool
}

type dirOp struct {
	dir   string
	apply func(map[string]*inode)
}

type inode struct {
	data   []byte
	synced []byte // durable content
	low    int    // lowest offset changed since the last sync
}

// New returns an empty disk. The seed decides what survives a crash beyond what must.
func New(seed uint64) *FS {
	return &FS{
		rng:   rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)),
		names: make(map[string]*inode), kept: make(map[string]*inode), locks: make(map[string]bool),
	}
}

// CrashAfter lets n more changing operations (write, sync, create, rename, remove,
// truncate, directory sync) succeed. The next one fails, half done at most, and so does
// everything after it, until Crash.
func (d *FS) CrashAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count, d.limit = 0, n+1
}

// Ops returns the number of changing operations since New, CrashAfter or Crash.
func (d *FS) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// Crashed says whether the crash point was reached.
func (d *FS) Crashed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.down
}

// Crash loses what is not durable, but for a random part, kills all handles and locks,
// and brings the disk up again.
func (d *FS) Crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, op := range d.ops[:d.rng.IntN(len(d.ops)+1)] {
		op.apply(d.kept)
	}
	seen := make(map[*inode]bool)
	for _, name := range slices.Sorted(maps.Keys(d.kept)) {
		if f := d.kept[name]; !seen[f] {
			seen[f] = true
			f.crash(d.rng)
		}
	}
	d.names = maps.Clone(d.kept)
	d.ops = nil
	d.locks = make(map[string]bool)
	d.era++
	d.count, d.limit, d.down = 0, 0, false
}

// crash keeps the synced bytes and a torn part of an unsynced extension.
func (f *inode) crash(rng *rand.Rand) {
	next := slices.Clone(f.synced)
	if len(f.data) > len(f.synced) && f.low >= len(f.synced) && rng.IntN(3) > 0 {
		tail := slices.Clone(f.data[len(f.synced):])
		if rng.IntN(4) > 0 {
			tail = tail[:rng.IntN(len(tail)+1)]
		}
		if len(tail) > 0 && rng.IntN(3) == 0 { // the pages of a range are written in any order
			clear(tail[rng.IntN(len(tail)):])
		}
		next = append(next, tail...)
	}
	f.data, f.synced, f.low = next, slices.Clone(next), len(next)
}

// Corrupt flips one bit of a file, on disk and in memory.
func (d *FS) Corrupt(name string, offset int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[path.Clean(name)]
	if f == nil || offset >= len(f.data) || offset >= len(f.synced) {
		return fmt.Errorf("storetest: %s has no synced byte %d", name, offset)
	}
	f.data[offset] ^= 1
	f.synced[offset] ^= 1
	return nil
}

// Size returns the length of a file in bytes, -1 if there is none.
func (d *FS) Size(name string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.names[path.Clean(name)]; f != nil {
		return len(f.data)
	}
	return -1
}

// change counts a changing operation; the lock is held. At the crash point it fails.
func (d *FS) change() error {
	if d.down {
		return ErrCrashed
	}
	d.count++
	if d.count == d.limit {
		d.down = true
		return ErrCrashed
	}
	return nil
}

func (d *FS) rename(dir string, apply func(map[string]*inode)) {
	apply(d.names)
	d.ops = append(d.ops, dirOp{dir: dir, apply: apply})
}

// MkdirAll implements store.FS; directories need no entry of their own here.
func (d *FS) MkdirAll(string) error { return nil }

// OpenFile implements store.FS.
func (d *FS) OpenFile(name string, flag int) (store.File, error) {
	name = path.Clean(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return nil, ErrCrashed
	}
	f := d.names[name]
	if f == nil {
		if flag&os.O_CREATE == 0 {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		if err := d.change(); err != nil {
			return nil, err
		}
		f = &inode{}
		d.rename(path.Dir(name), func(m map[string]*inode) { m[name] = f })
	} else if flag&os.O_TRUNC != 0 {
		if err := d.change(); err != nil {
			return nil, err
		}
		f.data, f.low = nil, 0
	}
	return &file{disk: d, inode: f, era: d.era, name: name}, nil
}

// Rename implements store.FS.
func (d *FS) Rename(oldName, newName string) error {
	oldName, newName = path.Clean(oldName), path.Clean(newName)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.change(); err != nil {
		return err
	}
	f := d.names[oldName]
	if f == nil {
		return &fs.PathError{Op: "rename", Path: oldName, Err: fs.ErrNotExist}
	}
	d.rename(path.Dir(newName), func(m map[string]*inode) {
		delete(m, oldName)
		m[newName] = f
	})
	return nil
}

// Remove implements store.FS.
func (d *FS) Remove(name string) error {
	name = path.Clean(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.change(); err != nil {
		return err
	}
	if d.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	d.rename(path.Dir(name), func(m map[string]*inode) { delete(m, name) })
	return nil
}

// ReadDir implements store.FS.
func (d *FS) ReadDir(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return nil, ErrCrashed
	}
	var list []string
	for name := range d.names {
		if path.Dir(name) == path.Clean(dir) {
			list = append(list, path.Base(name))
		}
	}
	slices.SortFunc(list, strings.Compare)
	return list, nil
}

// SyncDir implements store.FS.
func (d *FS) SyncDir(dir string) error {
	dir = path.Clean(dir)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.change(); err != nil {
		return err
	}
	var rest []dirOp
	for _, op := range d.ops {
		if op.dir == dir {
			op.apply(d.kept)
		} else {
			rest = append(rest, op)
		}
	}
	d.ops = rest
	return nil
}

// Lock implements store.FS.
func (d *FS) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return nil, ErrCrashed
	}
	if d.locks[name] {
		return nil, fmt.Errorf("%w: %s", store.ErrLocked, name)
	}
	d.locks[name] = true
	return &diskLock{disk: d, name: name, era: d.era}, nil
}

type diskLock struct {
	disk *FS
	name string
	era  int
}

func (l *diskLock) Close() error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.era == l.disk.era {
		delete(l.disk.locks, l.name)
	}
	return nil
}
