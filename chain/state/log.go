package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

const (
	logPrefix = "log/"
	// tileBits: a tile holds up to 2^tileBits hashes of one level; levels are stored in
	// steps of tileBits, those between are computed.
	tileBits = 8
	tileSize = 1 << tileBits
)

// LogInfo is the summary of a log, which the state holds under "log/" ‖ name as
// begin(8) ‖ end(8) ‖ the nodes of the compact range [0, end), 32 bytes each.
type LogInfo struct {
	Begin uint64       // entries below are consumed
	Peaks merkle.Range // [0, end)
}

// End returns the number of entries that were ever appended.
func (i LogInfo) End() uint64 { return i.Peaks.End() }

// Root returns the root over the entries [0, End).
func (i LogInfo) Root() merkle.Hash { return rootOf(i.Peaks) }

// Encode returns the summary's value in the state.
func (i LogInfo) Encode() []byte {
	nodes := i.Peaks.Nodes()
	buf := make([]byte, 0, 16+32*len(nodes))
	buf = binary.BigEndian.AppendUint64(buf, i.Begin)
	buf = binary.BigEndian.AppendUint64(buf, i.Peaks.End())
	for _, n := range nodes {
		buf = append(buf, n[:]...)
	}
	return buf
}

// ParseLogInfo reads a summary's value. Errors: ErrCorrupt.
func ParseLogInfo(b []byte) (LogInfo, error) {
	if len(b) < 16 || len(b)%32 != 16 || len(b) > 16+64*32 {
		return LogInfo{}, fmt.Errorf("%w: log summary of %d bytes", ErrCorrupt, len(b))
	}
	begin, end := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	var nodes []merkle.Hash
	for chunk := range slices.Chunk(b[16:], 32) {
		nodes = append(nodes, merkle.Hash(chunk))
	}
	r, err := merkle.ParseRange(0, end, nodes)
	if err != nil {
		return LogInfo{}, fmt.Errorf("%w: log summary: %w", ErrCorrupt, err)
	}
	if begin > end || end == 0 {
		return LogInfo{}, fmt.Errorf("%w: log summary of [%d, %d)", ErrCorrupt, begin, end)
	}
	return LogInfo{Begin: begin, Peaks: r}, nil
}

// LogKey returns the state key of a log's summary, for proofs of it.
func LogKey(name string) []byte { return []byte(logPrefix + name) }

// rootOf returns the root over a range from 0, for which Range.Root cannot fail.
func rootOf(r merkle.Range) merkle.Hash {
	root, err := r.Root()
	if err != nil {
		panic(fmt.Sprintf("state: root of a log's range [%d, %d): %v", r.Begin(), r.End(), err))
	}
	return root
}

// Log is an append-only Merkle log within a Tx. It lives as long as the Tx.
type Log struct {
	tx    *Tx
	name  string
	epoch int // Tx.epoch when logState was last saved for Revert
	logState
}

// logState is what Revert restores. Slices in it only grow, so a copy of it stays valid.
type logState struct {
	id      uint64 // 0: not in the store yet
	base    uint64 // entries [0, base) are in the store
	info    LogInfo
	pending [][]byte // entries [base, end)
	nodes   []tileNode
	dropped []uint64 // ids of logs of this name that were dropped
}

// tileNode is a new node on a level that tiles store.
type tileNode struct {
	id   merkle.NodeID
	hash merkle.Hash
}

// logRecord is the store's record of a log: id(8) ‖ pruned(8); bodies of entries below
// pruned are deleted.
type logRecord struct{ id, pruned uint64 }

func (r logRecord) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, r.id), r.pruned)
}

func readLogRecord(db reader, name string) (logRecord, bool, error) {
	b, ok, err := getValue(db, spaceName, []byte(name))
	if err != nil || !ok {
		return logRecord{}, false, err
	}
	if len(b) != 16 {
		return logRecord{}, false, fmt.Errorf("%w: log record of %d bytes, want 16", ErrCorrupt, len(b))
	}
	return logRecord{id: binary.BigEndian.Uint64(b), pruned: binary.BigEndian.Uint64(b[8:])}, true, nil
}

// readLog reads the committed log of a name.
func readLog(db reader, name string) (LogInfo, logRecord, bool, error) {
	v, ok, err := getValue(db, spaceFlat, LogKey(name))
	if err != nil || !ok {
		return LogInfo{}, logRecord{}, false, err
	}
	info, err := ParseLogInfo(v)
	if err != nil {
		return LogInfo{}, logRecord{}, false, err
	}
	record, ok, err := readLogRecord(db, name)
	if err == nil && !ok {
		err = fmt.Errorf("%w: log %q has no record", ErrCorrupt, name)
	}
	return info, record, err == nil, err
}

// Log returns the log of this name, an empty one if there is none yet; it comes into
// being with its first entry. Name is 1 to MaxLogName bytes.
func (tx *Tx) Log(name string) (*Log, error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	if l := tx.logs[name]; l != nil {
		return l, nil
	}
	if len(name) == 0 || len(name) > MaxLogName {
		return nil, fmt.Errorf("%w: log name of %d bytes, want 1 to %d", ErrTooLarge, len(name), MaxLogName)
	}
	l := &Log{tx: tx, name: name, epoch: -1}
	info, record, ok, err := readLog(tx.s.db, name)
	if err != nil {
		return nil, err
	}
	if ok {
		l.logState = logState{id: record.id, base: info.End(), info: info}
	}
	tx.logs[name] = l
	return l, nil
}

// change prepares for a change of l: it saves the state for Revert, once per savepoint.
func (l *Log) change() error {
	if err := l.tx.usable(); err != nil {
		return err
	}
	if l.tx.epoch > 0 && l.epoch != l.tx.epoch {
		l.epoch = l.tx.epoch
		saved := l.logState
		saved.info.Peaks = saved.info.Peaks.Clone()
		l.tx.undo = append(l.tx.undo, undo{log: l, saved: saved})
	}
	l.tx.changes++
	l.tx.dirty[l.name] = l
	return nil
}

// Begin returns the index below which entries are consumed.
func (l *Log) Begin() uint64 { return l.info.Begin }

// End returns the index that the next entry gets.
func (l *Log) End() uint64 { return l.info.End() }

// Peaks returns the compact range [0, End).
func (l *Log) Peaks() merkle.Range { return l.info.Peaks.Clone() }

// Root returns the root over the entries [0, End).
func (l *Log) Root() merkle.Hash { return l.info.Root() }

// Append adds a copy of entry, whose leaf is its hash, and returns its index.
func (l *Log) Append(entry []byte) (index uint64, err error) {
	return l.AppendLeaf(merkle.LeafHash(entry), entry)
}

// AppendLeaf adds an entry whose leaf is given: the log authenticates the leaf, and keeps
// a copy of entry to be read again. It is for entries that are stored in another form than
// the one that is hashed.
func (l *Log) AppendLeaf(leaf merkle.Hash, entry []byte) (index uint64, err error) {
	if len(entry) > MaxLogEntry {
		return 0, fmt.Errorf("%w: log entry of %d bytes, want at most %d", ErrTooLarge, len(entry), MaxLogEntry)
	}
	if err := l.change(); err != nil {
		return 0, err
	}
	index = l.End()
	err = l.info.Peaks.Append(leaf, func(id merkle.NodeID, h merkle.Hash) {
		if id.Level%tileBits == 0 {
			l.nodes = append(l.nodes, tileNode{id, h})
		}
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrLogRange, err)
	}
	l.pending = append(l.pending, slices.Clone(entry))
	return index, nil
}

// Entry returns the entry at index, which must not be changed. Errors: ErrLogRange,
// ErrPruned if its body was deleted.
func (l *Log) Entry(index uint64) ([]byte, error) {
	if index >= l.End() {
		return nil, fmt.Errorf("%w: entry %d of %d", ErrLogRange, index, l.End())
	}
	if index >= l.base {
		return l.pending[index-l.base], nil
	}
	return readEntry(l.tx.s.db, l.id, index)
}

func readEntry(db reader, id, index uint64) ([]byte, error) {
	b, err := db.Get(entryKey(id, index))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: log entry %d", ErrPruned, index)
	}
	if err != nil {
		return nil, fmt.Errorf("state: log: %w", err)
	}
	return b, nil
}

// SetBegin marks the entries below index as consumed. Begin never falls and is at most
// End: ErrLogRange otherwise.
func (l *Log) SetBegin(index uint64) error {
	if index < l.info.Begin || index > l.End() {
		return fmt.Errorf("%w: begin %d, want within [%d, %d]", ErrLogRange, index, l.info.Begin, l.End())
	}
	if index == l.info.Begin {
		return nil
	}
	if err := l.change(); err != nil {
		return err
	}
	l.info.Begin = index
	return nil
}

// Drop deletes the log with all of it; its entries and tiles go bit by bit with the
// commits that follow. The name may be used anew, from index 0.
func (l *Log) Drop() error {
	if err := l.change(); err != nil {
		return err
	}
	dropped := slices.Clip(l.dropped)
	if l.id != 0 {
		dropped = append(dropped, l.id)
	}
	l.logState = logState{dropped: dropped}
	return nil
}

// flushLogs writes the summaries of changed logs into the overlay.
func (tx *Tx) flushLogs() {
	for _, name := range slices.Sorted(maps.Keys(tx.dirty)) {
		if l := tx.dirty[name]; l.End() == 0 {
			tx.put(tx.flat, LogKey(name), deleted, nil)
		} else {
			tx.put(tx.flat, LogKey(name), written, l.info.Encode())
		}
	}
	clear(tx.dirty)
}
