package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"sync"
)

// WALOptions tunes a write-ahead log. The zero value is the default.
type WALOptions struct {
	// SegmentSize is the size in bytes above which the next Append starts a new
	// segment; default 64 MiB.
	SegmentSize int64
}

// WAL is an append-only record log in segments. Append returns when its records are
// durable; the records of one call are kept or lost together. After a failed write or
// sync it refuses further appends (ErrFailed): reopen it. Safe for concurrent use.
type WAL struct {
	fs  FS
	dir string
	opt WALOptions

	mu      sync.Mutex
	file    File   // the current segment, open for append
	segment uint64 // its number
	first   uint64 // the oldest segment
	size    int64
	seq     uint64 // of the next frame
	buf     []byte
	failed  error
	closed  bool
}

// walRecordOverhead is the length before each record in a frame, in bytes.
const walRecordOverhead = 4

// OpenWAL opens the log in dir, creating it. A torn tail is cut off; damage elsewhere
// is a *CorruptError. What Replay then shows is durable.
func OpenWAL(fsys FS, dir string, opt WALOptions) (*WAL, error) {
	if opt.SegmentSize <= 0 {
		opt.SegmentSize = 64 << 20
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("store: wal: %w", err)
	}
	w := &WAL{fs: fsys, dir: dir, opt: opt}
	if err := w.recover(); err != nil {
		return nil, err
	}
	return w, nil
}

// Append writes records and returns when they are durable: one write and one sync for
// all of them. With no records it does nothing.
func (w *WAL) Append(records ...[]byte) error {
	if len(records) == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return err
	}
	payload, err := encodeRecords(records)
	if err != nil {
		return err
	}
	if w.size >= w.opt.SegmentSize {
		if err := w.nextSegment(); err != nil {
			return w.fail(err)
		}
	}
	w.buf = appendFrame(w.buf[:0], w.seq, payload)
	if _, err := w.file.Write(w.buf); err != nil {
		return w.fail(err)
	}
	if err := w.file.Sync(); err != nil {
		return w.fail(err)
	}
	w.size += int64(len(w.buf))
	w.seq++
	return nil
}

func encodeRecords(records [][]byte) ([]byte, error) {
	total := 0
	for _, r := range records {
		if len(r) > maxFrame || total+walRecordOverhead+len(r) > maxFrame {
			return nil, fmt.Errorf("%w: more than %d bytes in one append", ErrTooLarge, maxFrame)
		}
		total += walRecordOverhead + len(r)
	}
	payload := make([]byte, 0, total)
	for _, r := range records {
		payload = binary.BigEndian.AppendUint32(payload, uint32(len(r)))
		payload = append(payload, r...)
	}
	return payload, nil
}

// Replay calls fn for every record in order, with the number of its segment. The record
// is valid during the call only. An error of fn ends the replay and is returned.
func (w *WAL) Replay(fn func(segment uint64, record []byte) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	for s := w.first; s <= w.segment; s++ {
		if err := w.replaySegment(s, fn); err != nil {
			return err
		}
	}
	return nil
}

func (w *WAL) replaySegment(s uint64, fn func(uint64, []byte) error) error {
	_, err := w.scanSegment(s, func(_ uint64, payload []byte) error {
		for len(payload) >= walRecordOverhead {
			n := int(binary.BigEndian.Uint32(payload))
			payload = payload[walRecordOverhead:]
			if n > len(payload) {
				return &CorruptError{File: w.name(s), Reason: "record longer than its frame"}
			}
			if err := fn(s, payload[:n]); err != nil {
				return err
			}
			payload = payload[n:]
		}
		return nil
	})
	return err
}

// Segment returns the number of the segment that the next Append writes to, unless it
// is full. Remember it with a checkpoint, and give it to Truncate later.
func (w *WAL) Segment() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.segment
}

// Rotate starts a new segment and returns its number: everything appended so far lies
// in lower ones.
func (w *WAL) Rotate() (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return 0, err
	}
	if err := w.nextSegment(); err != nil {
		return 0, w.fail(err)
	}
	return w.segment, nil
}

// Truncate removes the segments below keepFrom; the current one always stays.
func (w *WAL) Truncate(keepFrom uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return err
	}
	for w.first < min(keepFrom, w.segment) {
		if err := w.fs.Remove(w.name(w.first)); err != nil {
			return fmt.Errorf("store: wal: %w", err)
		}
		w.first++
		// One by one and oldest first, so that a crash leaves no gap.
		if err := w.fs.SyncDir(w.dir); err != nil {
			return fmt.Errorf("store: wal: %w", err)
		}
	}
	return nil
}

// Close releases the file. Everything appended is durable already.
func (w *WAL) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}

func (w *WAL) usable() error {
	if w.closed {
		return ErrClosed
	}
	return w.failed
}

// fail poisons the log: after a failed sync the kernel may have dropped the pages, so a
// retry that succeeds would prove nothing.
func (w *WAL) fail(err error) error {
	w.failed = fmt.Errorf("%w: wal %s: %w", ErrFailed, w.dir, err)
	return w.failed
}

func (w *WAL) name(segment uint64) string {
	return path.Join(w.dir, fmt.Sprintf("wal-%016x.seg", segment))
}

// nextSegment creates the segment after the current one, durably.
func (w *WAL) nextSegment() error {
	if w.file != nil {
		if err := w.file.Close(); err != nil {
			return err
		}
		w.file = nil
	}
	return w.createSegment(w.segment + 1)
}

// createSegment writes the first frame of a segment, which carries only its sequence.
func (w *WAL) createSegment(s uint64) error {
	f, err := w.fs.OpenFile(w.name(s), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND)
	if err != nil {
		return err
	}
	head := appendFrame(nil, w.seq, nil)
	if _, err = f.Write(head); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = w.fs.SyncDir(w.dir)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	w.file, w.segment, w.size = f, s, int64(len(head))
	w.seq++
	return nil
}
