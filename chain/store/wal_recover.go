package store

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// segments lists the numbers of the segments on disk, ascending.
func (w *WAL) segments() ([]uint64, error) {
	names, err := w.fs.ReadDir(w.dir)
	if err != nil {
		return nil, fmt.Errorf("store: wal: %w", err)
	}
	var list []uint64
	for _, name := range names {
		hex, isLog := strings.CutPrefix(name, "wal-")
		hex, isSegment := strings.CutSuffix(hex, ".seg")
		if !isLog || !isSegment || len(hex) != 16 {
			continue
		}
		n, err := strconv.ParseUint(hex, 16, 64)
		if err != nil {
			continue
		}
		if len(list) > 0 && n != list[len(list)-1]+1 {
			return nil, &CorruptError{File: w.name(list[len(list)-1] + 1), Reason: "segment is missing"}
		}
		list = append(list, n)
	}
	return list, nil
}

// recover finds the end of the log and opens its last segment for append.
func (w *WAL) recover() error {
	list, err := w.segments()
	if err != nil {
		return err
	}
	if len(list) == 0 {
		w.first = 1
		if err := w.createSegment(1); err != nil {
			return fmt.Errorf("store: wal: %w", err)
		}
		return nil
	}
	w.first = list[0]
	if err := w.checkSealed(list[:len(list)-1]); err != nil {
		return err
	}
	return w.openLast(list[len(list)-1])
}

// checkSealed checks the segments before the last: each was synced whole before its
// successor was created, so nothing in them can be torn.
func (w *WAL) checkSealed(list []uint64) error {
	for _, s := range list {
		scan, err := w.scanSegment(s, func(uint64, []byte) error { return nil })
		if err != nil {
			return err
		}
		if scan.valid != scan.size || scan.next == 0 || w.seq != 0 && scan.first != w.seq {
			return &CorruptError{File: w.name(s), Offset: int64(scan.valid), Reason: "sealed segment is damaged"}
		}
		w.seq = scan.next
	}
	return nil
}

// openLast cuts a torn tail off the last segment. The file and the directory are synced
// before use: after a mere process crash they may show bytes that are not durable yet.
func (w *WAL) openLast(s uint64) error {
	scan, err := w.scanSegment(s, func(uint64, []byte) error { return nil })
	if err != nil {
		return err
	}
	if scan.next == 0 { // not even its first frame: never used
		if w.seq == 0 {
			w.seq = 1
		}
		if err := w.createSegment(s); err != nil {
			return fmt.Errorf("store: wal: %w", err)
		}
		return nil
	}
	if w.seq != 0 && scan.first != w.seq {
		return &CorruptError{File: w.name(s), Reason: fmt.Sprintf("starts at frame %d, want %d", scan.first, w.seq)}
	}
	f, err := w.fs.OpenFile(w.name(s), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return fmt.Errorf("store: wal: %w", err)
	}
	if err := cutAndSync(w.fs, w.dir, f, scan.valid, scan.size); err != nil {
		return fmt.Errorf("store: wal: %w", errors.Join(err, f.Close()))
	}
	w.file, w.segment, w.size, w.seq = f, s, int64(scan.valid), scan.next
	return nil
}

// cutAndSync truncates f from size to valid bytes, and makes it and its name durable.
func cutAndSync(fsys FS, dir string, f File, valid, size int) error {
	if valid < size {
		if err := f.Truncate(int64(valid)); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return fsys.SyncDir(dir)
}

type segmentScan struct {
	first, next uint64 // sequences of the first frame and of the one after the last; 0, 0 if none
	valid, size int    // bytes
}

// scanSegment calls fn for each frame of a segment that follows the first, empty one.
func (w *WAL) scanSegment(s uint64, fn func(seq uint64, payload []byte) error) (segmentScan, error) {
	data, err := readFile(w.fs, w.name(s))
	if err != nil {
		return segmentScan{}, fmt.Errorf("store: wal: %w", err)
	}
	scan := segmentScan{size: len(data)}
	seq, _, _, ok := parseFrame(data)
	if !ok {
		if laterFrame(data, 0) >= 0 {
			return scan, &CorruptError{File: w.name(s), Reason: "first frame is broken"}
		}
		return scan, nil
	}
	scan.first = seq
	scan.valid, scan.next, err = scanFrames(w.name(s), data, seq, fn)
	return scan, err
}
