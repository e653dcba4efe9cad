package client

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// foreign is a peer network with real keys and certificates. It serves readers
// as a node of it would (Served).
type foreign struct {
	t    testing.TB
	name string
	zero *proofs.Zero
	keys map[proofs.NodeKey]*bls.SecretKey

	mu        sync.Mutex
	set       *proofs.ValidatorSet
	epoch     uint64
	keyHeight uint64
	height    uint64
	time      uint64
	keyBlocks []proofs.KeyBlock
	queue     []proofs.Message
	head      proofs.QueueHead
	newest    proofs.CertifiedHeader
	served    proofs.QueueHead // the head under newest
}

const start = 1_700_000_000_000 // ms

var reader = proofs.NetworkID{0xaa}

func newForeign(t testing.TB, name string) *foreign {
	t.Helper()
	f := &foreign{t: t, name: name, keys: make(map[proofs.NodeKey]*bls.SecretKey), time: start}
	members := []proofs.Validator{f.validator("a"), f.validator("b"), f.validator("c")}
	sortMembers(members)
	z := proofs.ZeroHeader{Version: proofs.Version, Time: start, Validators: members, StateRoot: merkle.TrieEmpty()}
	p := &z.Parameters
	p.Name, p.Symbol, p.ThresholdNum, p.ThresholdDen = name, "TST", 2, 3
	p.EpochDuration, p.TrustPeriod, p.MaxClockDrift, p.Heartbeat = 10_000, 100_000, 2000, 1000
	p.ViewTimeout, p.MaxLag, p.ExpiryWindow, p.MessageLifetime = 250, 64, 300, 3_600_000
	p.BlockMessages, p.BlockGas, p.LinkWindow, p.MaxPayload = 5000, 1, 4096, 1024
	zero, err := z.Check()
	if err != nil {
		t.Fatal(err)
	}
	f.zero, f.set = zero, zero.Set
	f.head.Peer, f.head.Incarnation, f.head.Root = reader, 1, merkle.EmptyRoot()
	return f
}

func (f *foreign) validator(name string) proofs.Validator {
	seed := sha256.Sum256([]byte(f.name + name))
	key, err := bls.GenerateKey(bytes.NewReader(seed[:]))
	if err != nil {
		f.t.Fatal(err)
	}
	var v proofs.Validator
	v.Node, v.Weight = sha256.Sum256(seed[:]), 1
	v.Key, v.Possession = key.PublicKey().Bytes(), key.ProvePossession(v.Node)
	f.keys[v.Node] = key
	return v
}

func sortMembers(m []proofs.Validator) {
	slices.SortFunc(m, func(a, b proofs.Validator) int { return bytes.Compare(a.Node[:], b.Node[:]) })
}

func (f *foreign) certify(h *proofs.Header) proofs.Certificate {
	vote := proofs.Vote{Kind: proofs.TypeFinalize, Epoch: h.Epoch, SetHash: h.SetHash, View: 1, Header: h.ID()}
	var points []bls.Point
	bitmap := proofs.NewBitmap(f.set.Len())
	for i := range f.set.Len() {
		raw := f.keys[f.set.At(i).Node].Sign(vote.SigningBytes(f.zero.ID))
		point, err := bls.ParseVote(raw[:])
		if err != nil {
			f.t.Fatal(err)
		}
		points = append(points, point)
		proofs.SetBit(bitmap, i)
	}
	sig, err := bls.Aggregate(points)
	if err != nil {
		f.t.Fatal(err)
	}
	c := proofs.Certificate{View: 1}
	c.Quorum.Bitmap, c.Quorum.Signature = bitmap, sig.Bytes()
	return c
}

// next returns the header of the next block, with the heads as they are now.
func (f *foreign) next() proofs.Header {
	f.height++
	f.time += 100
	root, err := proofs.OutboundRoot(f.zero.ID, f.time-50, []proofs.QueueHead{f.head})
	if err != nil {
		f.t.Fatal(err)
	}
	var h proofs.Header
	h.Version, h.Network, h.Epoch, h.SetHash = proofs.Version, f.zero.ID, f.epoch, f.set.Hash()
	h.Height, h.PreviousKeyHeight, h.Time = f.height, f.keyHeight, f.time
	h.Executed, h.ExecutedTime = f.height-1, f.time-50
	h.StateRoot, h.OutboundRoot, h.ReceiptRoot = proofs.Hash{1}, root, merkle.EmptyRoot()
	return h
}

// emit appends n messages for the reader.
func (f *foreign) emit(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range n {
		var m proofs.Message
		m.Version, m.Kind, m.Source, m.Destination = proofs.Version, proofs.KindTransfer, f.zero.ID, reader
		m.Incarnation, m.Index, m.Amount = 1, uint64(len(f.queue)), proofs.NewAmount(7)
		m.Asset = proofs.NativeAsset.Abroad(f.zero.ID)
		f.queue = append(f.queue, m)
	}
	f.head.End, f.head.Root = uint64(len(f.queue)), f.root()
}

func (f *foreign) root() proofs.Hash {
	r := f.compact(0, len(f.queue))
	root, err := r.Root()
	if err != nil {
		f.t.Fatal(err)
	}
	return root
}

func (f *foreign) compact(from, to int) merkle.Range {
	r := merkle.NewRange(uint64(from))
	for i := from; i < to; i++ {
		if err := r.Append(f.queue[i].ID(), nil); err != nil {
			f.t.Fatal(err)
		}
	}
	return r
}

// block certifies a new header over the present heads.
func (f *foreign) block() *Announcement {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.next()
	f.newest, f.served = proofs.CertifiedHeader{Header: h, Certificate: f.certify(&h)}, f.head
	return AnnouncementOf(&h, []proofs.QueueHead{f.head})
}

// keyBlock ends the epoch; members join, if any.
func (f *foreign) keyBlock(join ...string) *Announcement {
	f.mu.Lock()
	defer f.mu.Unlock()
	members := f.set.Members()
	for _, name := range join {
		members = append(members, f.validator(name))
	}
	sortMembers(members)
	next, err := proofs.NewValidatorSet(members)
	if err != nil {
		f.t.Fatal(err)
	}
	h := f.next()
	h.NextSetHash = next.Hash()
	kb := proofs.KeyBlock{Header: h, Certificate: f.certify(&h), Next: f.set.Delta(next)}
	f.keyBlocks = append(f.keyBlocks, kb)
	f.newest, f.served = proofs.CertifiedHeader{Header: h, Certificate: kb.Certificate}, f.head
	f.set, f.epoch, f.keyHeight = next, f.epoch+1, h.Height
	return AnnouncementOf(&h, []proofs.QueueHead{f.head})
}

func (f *foreign) Zero() (*proofs.ZeroHeader, error) { return &f.zero.ZeroHeader, nil }

func (f *foreign) KeyBlocks(from uint64, limit int) ([]proofs.KeyBlock, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []proofs.KeyBlock
	for _, kb := range f.keyBlocks {
		if kb.Header.Height > from && len(out) < limit {
			out = append(out, kb)
		}
	}
	return out, nil
}

func (f *foreign) Head(id proofs.NetworkID) (proofs.QueueHead, uint64, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.served, f.newest.Header.Executed, id == reader && f.newest.Header.Height > 0, nil
}

func (f *foreign) Left(_ proofs.NetworkID, end uint64) ([]proofs.Hash, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.compact(0, int(end))
	return r.Nodes(), nil
}

func (f *foreign) Slice(id proofs.NetworkID, from uint64, maxMessages, _ int) (*proofs.Slice, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id != reader {
		return nil, fmt.Errorf("no head for %s", id.Short())
	}
	proof, err := proofs.ProveHead(f.zero.ID, []proofs.QueueHead{f.served}, id)
	if err != nil {
		return nil, err
	}
	s := &proofs.Slice{Header: f.newest, Proof: *proof, Start: from}
	end := min(f.served.End, from+uint64(maxMessages))
	if end > from {
		s.Messages = slices.Clone(f.queue[from:end])
		right := f.compact(int(end), int(f.served.End))
		s.Right = right.Nodes()
	}
	return s, nil
}
