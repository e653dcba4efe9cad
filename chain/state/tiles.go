package state

import (
	"errors"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// tileReader computes nodes of a log from its tiles, each of which it reads once.
type tileReader struct {
	db   reader
	id   uint64
	read map[tileID][]byte
}

func (r *LogReader) tiles() *tileReader {
	return &tileReader{db: r.s.db, id: r.id, read: make(map[tileID][]byte)}
}

// node returns the hash of a perfect node, all of whose leaves are in the log.
func (t *tileReader) node(id merkle.NodeID) (merkle.Hash, error) {
	up := id.Level % tileBits
	first := id.Index << up // on the stored level below
	tile := tileID{level: id.Level / tileBits, index: first / tileSize}
	data, ok := t.read[tile]
	if !ok {
		var err error
		data, err = t.db.Get(tileKey(t.id, tile.level, tile.index))
		if errors.Is(err, store.ErrNotFound) {
			return merkle.Hash{}, fmt.Errorf("%w: the log was dropped", ErrPruned)
		}
		if err != nil {
			return merkle.Hash{}, fmt.Errorf("state: tile: %w", err)
		}
		t.read[tile] = data
	}
	from, count := int(first%tileSize), 1<<up
	if len(data) < (from+count)*32 {
		return merkle.Hash{}, fmt.Errorf("%w: tile %d.%d of %d bytes, want %d", ErrCorrupt, tile.level, tile.index, len(data), (from+count)*32)
	}
	return foldTile(data[from*32 : (from+count)*32]), nil
}

// foldTile returns the root of a perfect tree over the hashes in data.
func foldTile(data []byte) merkle.Hash {
	level := make([]merkle.Hash, len(data)/32)
	for i := range level {
		copy(level[i][:], data[i*32:])
	}
	for ; len(level) > 1; level = level[:len(level)/2] {
		for i := range len(level) / 2 {
			level[i] = merkle.NodeHash(level[2*i], level[2*i+1])
		}
	}
	return level[0]
}
