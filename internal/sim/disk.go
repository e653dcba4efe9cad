package sim

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate"
	"github.com/isthmus-network/isthmus/proofs"
)

// file is a journaled store. live is what the node reads, durable what a power
// failure leaves; between them lie the writes that were not synced, of which a
// power failure leaves a prefix. A write is whole or not at all.
type file[T any] struct {
	live, durable T
	unsynced      []func(*T)
	clone         func(*T) T
}

func (f *file[T]) write(op func(*T)) {
	op(&f.live)
	f.unsynced = append(f.unsynced, op)
}

func (f *file[T]) sync() {
	for _, op := range f.unsynced {
		op(&f.durable)
	}
	f.unsynced = nil
}

// fail is a power failure after which keep of the unsynced writes are there.
func (f *file[T]) fail(keep int) {
	f.unsynced = f.unsynced[:keep]
	f.sync()
	f.live = f.clone(&f.durable)
}

// chainData is the chain database.
type chainData struct {
	cars    map[proofs.Hash]types.Car // by digest
	batches map[proofs.Hash]*types.Batch
	own     []proofs.Hash // not ordered yet, oldest first
	ordered map[proofs.Hash]bool
	finals  []types.FinalBlock // height 1 first
}

func newChainData() chainData {
	return chainData{cars: make(map[proofs.Hash]types.Car), batches: make(map[proofs.Hash]*types.Batch), ordered: make(map[proofs.Hash]bool)}
}

func (c *chainData) clone() chainData {
	return chainData{
		cars: maps.Clone(c.cars), batches: maps.Clone(c.batches), own: slices.Clone(c.own), ordered: maps.Clone(c.ordered), finals: slices.Clone(c.finals),
	}
}

// sortedCars lists the cars of an epoch by lane, height and digest.
func (c *chainData) sortedCars(epoch uint64) (cars []types.Car) {
	type placed struct {
		types.Car
		digest proofs.Hash
	}
	var all []placed
	for d, car := range c.cars {
		if car.Epoch == epoch {
			all = append(all, placed{car, d})
		}
	}
	slices.SortFunc(all, func(a, b placed) int {
		switch {
		case a.Lane != b.Lane:
			return int(a.Lane) - int(b.Lane)
		case a.Height != b.Height:
			return int(a.Height) - int(b.Height)
		}
		return bytes.Compare(a.digest[:], b.digest[:])
	})
	for i := range all {
		cars = append(cars, all[i].Car)
	}
	return cars
}

// slot is a place of the signing record.
type slot struct {
	kind              uint8
	epoch, view, lane uint64
}

// signingRecord is what was signed, and the lowest epoch that may still be.
type signingRecord struct {
	votes map[slot]proofs.Hash
	floor uint64
}

func (s *signingRecord) clone() signingRecord { return signingRecord{maps.Clone(s.votes), s.floor} }

// wal is the write-ahead log: frames of length, checksum and record. A power
// failure leaves a part of what was not synced, cut at any byte.
type wal struct {
	old, synced, unsynced []byte // old is the segment before the last rotation
}

func (l *wal) append(records [][]byte) {
	for _, r := range records {
		l.unsynced = binary.BigEndian.AppendUint32(l.unsynced, uint32(len(r)))
		l.unsynced = binary.BigEndian.AppendUint32(l.unsynced, crc32.ChecksumIEEE(r))
		l.unsynced = append(l.unsynced, r...)
	}
}

func (l *wal) sync() { l.synced, l.unsynced = append(l.synced, l.unsynced...), nil }

// rotate begins a segment; truncate drops the one before.
func (l *wal) rotate() {
	l.sync()
	l.old, l.synced = append(l.old, l.synced...), nil
}

func (l *wal) truncate() { l.old = nil }

// fail is a power failure that leaves keep bytes of the unsynced tail.
func (l *wal) fail(keep int) {
	l.synced, l.unsynced = append(l.synced, l.unsynced[:keep]...), nil
	l.synced = l.synced[:whole(l.synced)]
}

// whole is the length of the frames that are complete.
func whole(b []byte) int {
	at := 0
	for at+8 <= len(b) {
		n := int(binary.BigEndian.Uint32(b[at:]))
		if at+8+n > len(b) || crc32.ChecksumIEEE(b[at+8:at+8+n]) != binary.BigEndian.Uint32(b[at+4:]) {
			break
		}
		at += 8 + n
	}
	return at
}

// records reads the log.
func (l *wal) records() (records [][]byte) {
	for _, segment := range [...][]byte{l.old, l.synced, l.unsynced} {
		for at := 0; at < len(segment); {
			n := int(binary.BigEndian.Uint32(segment[at:]))
			records = append(records, segment[at+8:at+8+n])
			at += 8 + n
		}
	}
	return records
}

// stateDB is the state with its versions above the one that is durable.
type stateDB struct {
	state   *memstate.State
	marks   []int // after each version above the durable one
	base    uint64
	results []types.Executed     // by height, from 0 on
	heads   [][]proofs.QueueHead // after each of them
}

func (s *stateDB) version() uint64 { return s.base + uint64(len(s.marks)) }

func (s *stateDB) newest() *types.Executed { return &s.results[len(s.results)-1] }

// commit ends a block; it is durable some time later.
func (s *stateDB) commit(e types.Executed, heads []proofs.QueueHead) {
	s.marks = append(s.marks, s.state.Snapshot())
	s.results, s.heads = append(s.results, e), append(s.heads, heads)
}

// sync makes all versions durable.
func (s *stateDB) sync() {
	s.base, s.marks = s.version(), nil
	s.state.Commit()
}

// fail is a power failure that leaves keep of the versions above the durable one.
func (s *stateDB) fail(keep int) {
	mark := 0
	if keep > 0 {
		mark = s.marks[keep-1]
	}
	s.state.Revert(mark)
	s.marks = s.marks[:keep]
	s.results, s.heads = s.results[:s.version()+1], s.heads[:s.version()+1]
}

// disk is what survives the process of a node.
type disk struct {
	chain   file[chainData]
	signing file[signingRecord]
	wal     wal
	state   stateDB
}

func newDisk(net *network) *disk {
	d := new(disk)
	d.chain = file[chainData]{live: newChainData(), durable: newChainData(), clone: (*chainData).clone}
	d.signing = file[signingRecord]{
		live: signingRecord{votes: make(map[slot]proofs.Hash)}, durable: signingRecord{votes: make(map[slot]proofs.Hash)}, clone: (*signingRecord).clone,
	}
	d.state = stateDB{state: memstate.New(net.genesis), results: []types.Executed{net.executed}, heads: [][]proofs.QueueHead{nil}}
	return d
}

// powerFailure loses unsynced writes, of each store a part of its own.
func (d *disk) powerFailure(w *World) {
	part := func(n int) int { return int(w.between(0, uint64(n))) }
	d.chain.fail(part(len(d.chain.unsynced)))
	d.signing.fail(part(len(d.signing.unsynced)))
	d.wal.fail(part(len(d.wal.unsynced)))
	d.state.fail(part(len(d.state.marks)))
}

// processKill loses nothing: what was written is with the operating system.
func (d *disk) processKill() {
	d.chain.sync()
	d.signing.sync()
	d.wal.sync()
}
