package state

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// writeLogs adds what changed in the logs to the batch: entries, tiles, records, and the
// notes of dropped logs. Logs go in the order of names, so that ids are reproducible.
func (tx *Tx) writeLogs(b *store.Batch, next *head) error {
	for _, name := range slices.Sorted(maps.Keys(tx.logs)) {
		l := tx.logs[name]
		for _, id := range l.dropped {
			b.Set(numberKey(spaceDropped, id), nil)
			b.Delete(spaceKey(spaceName, []byte(name)))
		}
		if len(l.pending) == 0 {
			continue
		}
		id := l.id
		if id == 0 {
			id = next.nextLog
			next.nextLog++
			b.Set(spaceKey(spaceName, []byte(name)), logRecord{id: id}.encode())
		}
		for i, entry := range l.pending {
			b.Set(entryKey(id, l.base+uint64(i)), entry)
		}
		if err := writeTiles(tx.s.db, b, id, l.nodes); err != nil {
			return fmt.Errorf("log %q: %w", name, err)
		}
	}
	return nil
}

type tileID struct {
	level uint8 // in steps of tileBits
	index uint64
}

// writeTiles appends nodes to their tiles. A tile is rewritten until it is full; its old
// content stays its beginning, so readers of a shorter log can use the new one.
func writeTiles(db reader, b *store.Batch, id uint64, nodes []tileNode) error {
	tiles := make(map[tileID][]byte)
	var order []tileID
	for _, n := range nodes {
		t := tileID{level: n.id.Level / tileBits, index: n.id.Index / tileSize}
		at := int(n.id.Index%tileSize) * len(n.hash)
		data, ok := tiles[t]
		if !ok {
			var err error
			if data, err = beginTile(db, id, t, at); err != nil {
				return err
			}
			order = append(order, t)
		}
		if len(data) != at {
			return fmt.Errorf("%w: tile %d.%d of %d bytes, want %d", ErrCorrupt, t.level, t.index, len(data), at)
		}
		tiles[t] = append(data, n.hash[:]...)
	}
	for _, t := range order {
		b.Set(tileKey(id, t.level, t.index), tiles[t])
	}
	return nil
}

// beginTile returns the first size bytes of a tile in the store.
func beginTile(db reader, id uint64, t tileID, size int) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	data, err := db.Get(tileKey(id, t.level, t.index))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("state: tile: %w", err)
	}
	if len(data) < size {
		return nil, fmt.Errorf("%w: tile %d.%d of %d bytes, want %d", ErrCorrupt, t.level, t.index, len(data), size)
	}
	return data[:size], nil
}

// pruneBatch is how many entries PruneLog deletes in one batch.
const pruneBatch = 1024

// PruneLog deletes the bodies of the entries below an index, which must be consumed: at
// most the committed Begin (ErrLogRange). Hashes stay, so proofs still work. Nothing but
// this call and Drop deletes entries. It may run beside a transaction.
func (s *State) PruneLog(name string, below uint64) error {
	for {
		done, err := s.pruneLogStep(name, below)
		if err != nil || done {
			return err
		}
	}
}

func (s *State) pruneLogStep(name string, below uint64) (done bool, err error) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	info, record, ok, err := readLog(s.db, name)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, fmt.Errorf("%w: %q", ErrNoLog, name)
	}
	if below > info.Begin {
		return false, fmt.Errorf("%w: prune below %d, begin is %d", ErrLogRange, below, info.Begin)
	}
	if record.pruned >= below {
		return true, nil
	}
	to := min(below, record.pruned+pruneBatch)
	var b store.Batch
	for i := record.pruned; i < to; i++ {
		b.Delete(entryKey(record.id, i))
	}
	record.pruned = to
	b.Set(spaceKey(spaceName, []byte(name)), record.encode())
	if err := s.db.Write(&b, false); err != nil {
		return false, fmt.Errorf("state: prune log: %w", err)
	}
	return to == below, nil
}

// LogReader reads a committed log. What it shows is the log as of its making; entries and
// tiles are fetched when asked for. Safe for concurrent use, also with commits.
type LogReader struct {
	s    *State
	id   uint64
	info LogInfo
}

// ReadLog returns a reader of the log as last committed. Errors: ErrNoLog.
func (s *State) ReadLog(name string) (*LogReader, error) {
	snap, err := s.db.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("state: log: %w", err)
	}
	defer snap.Release()
	info, record, ok, err := readLog(snap, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNoLog, name)
	}
	return &LogReader{s: s, id: record.id, info: info}, nil
}

// LogInfo returns a log's summary at the version; ok is false if there was no such log.
func (v *View) LogInfo(name string) (info LogInfo, ok bool, err error) {
	value, ok, err := v.Get(LogKey(name))
	if err != nil || !ok {
		return LogInfo{}, false, err
	}
	info, err = ParseLogInfo(value)
	return info, err == nil, err
}

// Info returns the log's summary.
func (r *LogReader) Info() LogInfo {
	return LogInfo{Begin: r.info.Begin, Peaks: r.info.Peaks.Clone()}
}

// Begin returns the index below which entries are consumed.
func (r *LogReader) Begin() uint64 { return r.info.Begin }

// End returns the number of entries.
func (r *LogReader) End() uint64 { return r.info.End() }

// Entries returns the entries from i on, below j: as many as have at most maxBytes
// together, but at least one unless i = j. Errors: ErrLogRange, ErrPruned if the body of
// entry i was deleted.
func (r *LogReader) Entries(i, j uint64, maxBytes int) ([][]byte, error) {
	if i > j || j > r.End() {
		return nil, fmt.Errorf("%w: entries [%d, %d) of %d", ErrLogRange, i, j, r.End())
	}
	var list [][]byte
	size, want := 0, i
	err := r.s.db.Iterate(store.Range{Start: entryKey(r.id, i), Limit: entryKey(r.id, j)}, func(k, v []byte) (bool, error) {
		if string(k) != string(entryKey(r.id, want)) {
			return false, fmt.Errorf("%w: log entry %d", ErrPruned, want)
		}
		if size += len(v); len(list) > 0 && size > maxBytes {
			return false, nil
		}
		list = append(list, slices.Clone(v))
		want++
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 && i < j {
		return nil, fmt.Errorf("%w: log entry %d", ErrPruned, i)
	}
	return list, nil
}

// RangeNodes returns the hashes of the compact range [i, j), i ≤ j ≤ End, in the order of
// merkle.RangeNodes. Errors: ErrLogRange, ErrPruned if the log was dropped since.
func (r *LogReader) RangeNodes(i, j uint64) ([]merkle.Hash, error) {
	if i > j || j > r.End() {
		return nil, fmt.Errorf("%w: range [%d, %d) of %d", ErrLogRange, i, j, r.End())
	}
	t := r.tiles()
	ids := merkle.RangeNodes(i, j)
	nodes := make([]merkle.Hash, len(ids))
	for k, id := range ids {
		var err error
		if nodes[k], err = t.node(id); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// Inclusion returns the proof that entry i is in the log of the first size entries, for
// any i < size ≤ End. Errors: ErrLogRange, ErrPruned if the log was dropped since.
func (r *LogReader) Inclusion(i, size uint64) ([]merkle.Hash, error) {
	if i >= size || size > r.End() {
		return nil, fmt.Errorf("%w: entry %d in the first %d of %d", ErrLogRange, i, size, r.End())
	}
	return merkle.InclusionProof(i, size, r.tiles().node)
}

// RootAt returns the root over the first size entries, size ≤ End.
func (r *LogReader) RootAt(size uint64) (merkle.Hash, error) {
	nodes, err := r.RangeNodes(0, size)
	if err != nil {
		return merkle.Hash{}, err
	}
	rng, err := merkle.ParseRange(0, size, nodes)
	if err != nil {
		return merkle.Hash{}, err
	}
	return rng.Root()
}
