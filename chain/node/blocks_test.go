package node

import (
	"errors"
	"slices"
	"testing"

	"github.com/syndtr/goleveldb/leveldb/storage"

	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func newBlockStore(t testing.TB) blockStore {
	t.Helper()
	db, err := store.OpenStorage(storage.NewMemStorage())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return blockStore{db}
}

// chainOf makes final blocks from height 1 on; each has a certificate of its own
// or not.
func chainOf(certified ...bool) []types.FinalBlock {
	var parent proofs.Hash
	var out []types.FinalBlock
	for i, own := range certified {
		f := types.FinalBlock{Block: types.Block{
			Header: proofs.Header{Version: 1, Height: uint64(i + 1), Parent: parent, Time: uint64(i + 10)}, Cut: types.NewCut(4),
		}}
		f.ID = f.Block.Header.ID()
		if own {
			f.Certificate = &proofs.Certificate{View: uint64(i + 1), Quorum: proofs.Aggregate{Bitmap: []byte{7}}}
		}
		parent = f.ID
		out = append(out, f)
	}
	return out
}

func put(t testing.TB, s *blockStore, finals []types.FinalBlock) {
	t.Helper()
	var b store.Batch
	for i := range finals {
		s.putFinal(&b, &finals[i])
	}
	if err := s.db.Write(&b, true); err != nil {
		t.Fatal(err)
	}
}

// answering is a node that has a few blocks and cars and no network.
func answering(t testing.TB) (*Node, []types.FinalBlock) {
	t.Helper()
	n := &Node{blocks: newBlockStore(t), zero: &proofs.Zero{ID: proofs.NetworkID{1}}}
	finals := chainOf(true, false, true, true, false)
	put(t, &n.blocks, finals)
	return n, finals
}

func TestBlockStore(t *testing.T) {
	s := newBlockStore(t)
	if f, err := s.last(); f != nil || err != nil {
		t.Fatalf("empty: got %v, %v", f, err)
	}
	finals := chainOf(true, false, true)
	finals[2].Block.Header.NextSetHash = proofs.Hash{1} // a key block
	finals[2].ID = finals[2].Block.Header.ID()
	put(t, &s, finals)
	for i := range finals {
		got, err := s.final(uint64(i + 1))
		if err != nil || got.ID != finals[i].ID || (got.Certificate == nil) != (finals[i].Certificate == nil) || !got.Block.Cut.Same(&finals[i].Block.Cut) {
			t.Errorf("block %d: got %+v, %v", i+1, got, err)
		}
		if h, err := s.heightOf(finals[i].ID); h != uint64(i+1) || err != nil {
			t.Errorf("height of block %d: got %d, %v", i+1, h, err)
		}
	}
	if _, err := s.final(4); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("block 4: got %v, want ErrNotFound", err)
	}
	if f, err := s.last(); err != nil || f.ID != finals[2].ID {
		t.Errorf("last: got %v, %v", f, err)
	}
	for after, want := range map[uint64][]uint64{0: {3}, 2: {3}, 3: nil} {
		if got, err := s.keyBlocksAfter(after, 10); err != nil || !slices.Equal(got, want) {
			t.Errorf("key blocks after %d: got %v, %v", after, got, err)
		}
	}
	if kb, err := s.keyBlock(3); err != nil || kb.Header.ID() != finals[2].ID || kb.Certificate.View != 3 {
		t.Errorf("key block: got %+v, %v", kb, err)
	}
	if _, err := s.keyBlock(2); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("without a certificate: got %v, want ErrNotFound", err)
	}
}

func TestCertifiedWithLinks(t *testing.T) {
	run := make([]bool, proofs.MaxLinks+2)
	run[len(run)-1] = true // after 17 without a certificate of their own
	finals := chainOf(run...)
	s := newBlockStore(t)
	put(t, &s, finals)
	for h := uint64(2); h <= uint64(len(run)); h++ {
		ch, err := s.certified(h)
		if err != nil {
			t.Fatalf("header %d: %v", h, err)
		}
		if want := len(run) - int(h); len(ch.Links) != want || ch.Certificate.View != uint64(len(run)) {
			t.Errorf("header %d: got %d links, want %d", h, len(ch.Links), want)
		}
		id := ch.Header.ID()
		for i := range ch.Links {
			if ch.Links[i].Parent != id {
				t.Errorf("header %d: link %d does not follow", h, i)
			}
			id = ch.Links[i].ID()
		}
	}
	for _, h := range []uint64{1, uint64(len(run)) + 1} { // too far from a certificate, and none
		if _, err := s.certified(h); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("header %d: got %v, want ErrNotFound", h, err)
		}
	}
}

func TestStoredCarsAndBatches(t *testing.T) {
	n, _ := answering(t)
	var b store.Batch
	var parent proofs.Hash
	cars := make([]types.Car, 5)
	for i := range cars {
		cars[i] = types.Car{Epoch: 2, Lane: 1, Height: uint64(i + 1), Parent: parent, Batches: []proofs.Hash{{byte(i + 1)}}}
		parent = cars[i].Digest(n.zero.ID)
		if i != 1 { // car 2 is missing
			n.blocks.putCar(&b, &cars[i], parent)
		}
	}
	if err := n.blocks.db.Write(&b, true); err != nil {
		t.Fatal(err)
	}
	if got, err := n.blocks.cars(2); err != nil || len(got) != 4 || got[0].Height != 1 || got[3].Height != 5 {
		t.Errorf("cars of epoch 2: got %+v, %v", got, err)
	}
	if got, err := n.blocks.cars(1); err != nil || len(got) != 0 {
		t.Errorf("cars of epoch 1: got %+v, %v", got, err)
	}
	for _, c := range []struct{ height, down, want uint64 }{{5, 0, 3}, {5, 4, 1}, {5, 5, 0}, {1, 0, 1}, {2, 0, 0}} {
		tip := types.Tip{Lane: 1, Height: c.height, Digest: cars[c.height-1].Digest(n.zero.ID)}
		got, err := n.storedCars(&carsRequest{Epoch: 2, Tip: tip, Down: c.down})
		if err != nil || uint64(len(got)) != c.want || c.want > 0 && got[0].Height != c.height {
			t.Errorf("from %d down to %d: got %d cars, want %d, %v", c.height, c.down, len(got), c.want, err)
		}
	}

	batch := types.Batch{Items: []types.Item{{Kind: types.ItemExternal, Data: []byte("x")}}}
	wire, digest := batch.MarshalCanoto(), batch.Digest(n.zero.ID)
	if got, err := n.batchDigest(wire); err != nil || got != digest {
		t.Fatalf("digest: got %x, %v", got, err)
	}
	if ok, err := n.blocks.hasBatch(digest); ok || err != nil {
		t.Fatalf("before: got %v, %v", ok, err)
	}
	if err := n.blocks.putBatch(digest, wire); err != nil {
		t.Fatal(err)
	}
	got, err := n.answerBatch(t.Context(), p2p.NodeKey{}, digest[:])
	if err != nil || string(got) != string(wire) {
		t.Errorf("answer: got %x, %v", got, err)
	}
	if _, err := n.answerBatch(t.Context(), p2p.NodeKey{}, digest[1:]); !errors.Is(err, proofs.ErrMalformed) {
		t.Errorf("short id: got %v, want ErrMalformed", err)
	}
}

// The asker of blocks can check all that it gets: the last has a certificate.
func TestAnswerBlocks(t *testing.T) {
	n, finals := answering(t)
	for _, c := range []struct {
		from  uint64
		limit uint32
		want  []uint64
	}{{1, 64, []uint64{1, 2, 3, 4}}, {1, 2, []uint64{1}}, {2, 1, []uint64{2, 3}}, {5, 9, nil}, {6, 9, nil}, {2, 3, []uint64{2, 3, 4}}, {1, 0, nil}} {
		b, err := n.answerBlocks(t.Context(), p2p.NodeKey{}, (&blocksRequest{From: c.from, Limit: c.limit}).MarshalCanoto())
		if err != nil {
			t.Fatal(err)
		}
		var a blocksAnswer
		if err := proofs.Decode(&a, b, protoBlocks.MaxResponse); err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for i := range a.Blocks {
			got = append(got, a.Blocks[i].Block.Header.Height)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d from %d: got %v, want %v", c.limit, c.from, got, c.want)
		}
	}
	proposed := types.Block{Header: proofs.Header{Version: 1, Height: 9}, Cut: types.NewCut(4)}
	n.seen.put(&proposed)
	for _, want := range []*types.Block{&finals[1].Block, &proposed} {
		id := want.Header.ID()
		b, err := n.answerBlock(t.Context(), p2p.NodeKey{}, id[:])
		if err != nil || string(b) != string(want.MarshalCanoto()) {
			t.Errorf("block %d by id: %v", want.Header.Height, err)
		}
	}
}

func TestEvidenceIsKeptOnce(t *testing.T) {
	s := newBlockStore(t)
	e := storedEvidence{Node: proofs.NodeKey{4}, Cars: []types.Car{{Height: 1}, {Height: 1, Lane: 2}}}
	for range 2 {
		var b store.Batch
		s.putEvidence(&b, &e)
		if err := s.db.Write(&b, true); err != nil {
			t.Fatal(err)
		}
	}
	count := 0
	err := s.db.Iterate(store.Prefix(key(keyEvidence, e.Node[:])), func(_, v []byte) (bool, error) {
		count++
		var got storedEvidence
		return true, proofs.Decode(&got, v, maxStoredLen)
	})
	if err != nil || count != 1 {
		t.Errorf("got %d entries, want 1, %v", count, err)
	}
}

func TestSeenBlocksAreBounded(t *testing.T) {
	var s seenBlocks
	for i := range 3 * maxSeen {
		s.put(&types.Block{Header: proofs.Header{Height: uint64(i)}})
		s.put(&types.Block{Header: proofs.Header{Height: uint64(i)}})
	}
	if len(s.byID) != maxSeen || len(s.order) != maxSeen {
		t.Errorf("got %d and %d, want %d", len(s.byID), len(s.order), maxSeen)
	}
}
