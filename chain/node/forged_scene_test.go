package node

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// forgery is two linked networks. The nodes of b know of no node of a: what comes
// from there enters b only by the hand of the test, through the lane that it names.
type forgery struct {
	*testing.T
	a, b *testNetwork
	keys []*bootstrap.Keys // of a's validators
}

const honestLane = 3

func newForgery(t *testing.T) *forgery {
	short := func(p *proofs.Parameters) { p.EpochDuration, p.Heartbeat = 1000, 500 }
	f := &forgery{T: t, a: startNetwork(t, "a", func(p *proofs.Parameters) { p.EpochDuration, p.Heartbeat = 2000, 1000 }), b: startNetwork(t, "b", short)}
	for _, n := range f.a.nodes {
		k, err := bootstrap.LoadKeys(n.dir)
		if err != nil {
			t.Fatal(err)
		}
		f.keys = append(f.keys, k)
	}
	f.a.introduce(f.b)
	f.a.register(f.b.zero.ID)
	f.b.register(f.a.zero.ID)
	f.put(honestLane, types.ItemZero, f.a.zero.ZeroHeader.MarshalCanoto())
	eventually(t, "b knows a's zero-header", func() string {
		if p := f.peer(honestLane); p.State != mesh.Bootstrapping {
			return p.State.String()
		}
		return ""
	})
	return f
}

func (f *forgery) put(lane int, kind types.ItemKind, data []byte) {
	f.Helper()
	if err := f.b.nodes[lane].up().ingress.submitItem(context.Background(), kind, data); err != nil {
		f.Fatal(err)
	}
}

// peer is what node i of b has executed about a.
func (f *forgery) peer(i int) mesh.Peer {
	f.Helper()
	n := f.b.nodes[i].up()
	v, err := n.newest()
	if err != nil {
		f.Fatal(err)
	}
	p, ok, err := n.rules.Peer(v, f.a.zero.ID)
	if err != nil || !ok {
		f.Fatalf("peer a at b%d: %v, %v", i, ok, err)
	}
	return p
}

// slice waits until a serves its queue to b from start up to end under a header of
// the epoch that b follows. b follows a's key blocks meanwhile.
func (f *forgery) slice(reader proofs.NetworkID, start, end uint64) (s *proofs.Slice) {
	f.Helper()
	source := served{f.a.nodes[0].up()}
	eventually(f, fmt.Sprintf("slice [%d, %d)", start, end), func() string {
		p := f.peer(honestLane)
		blocks, err := source.KeyBlocks(p.KeyHeight, 8)
		if err != nil {
			return err.Error()
		}
		for i := range blocks {
			f.put(honestLane, types.ItemKeyBlock, blocks[i].MarshalCanoto())
		}
		if len(blocks) > 0 {
			eventually(f, "b follows a's key blocks", func() string {
				if p := f.peer(honestLane); p.KeyHeight < blocks[len(blocks)-1].Header.Height {
					return fmt.Sprintf("%+v", p)
				}
				return ""
			})
			return "followed key blocks first"
		}
		s, err = source.Slice(reader, start, 100, proofs.MaxSliceBytes)
		switch {
		case err != nil:
			return err.Error()
		case s == nil:
			return "no head"
		case s.Header.Header.Epoch != p.Epoch:
			return fmt.Sprintf("header of epoch %d, followed is %d", s.Header.Header.Epoch, p.Epoch)
		case start+uint64(len(s.Messages)) != end:
			return fmt.Sprintf("ends at %d", start+uint64(len(s.Messages)))
		}
		return ""
	})
	return s
}

// accepted puts an untouched slice into the honest lane and waits until all nodes
// of b have executed it.
func (f *forgery) accepted(s *proofs.Slice, end uint64) {
	f.Helper()
	f.put(honestLane, types.ItemSlice, s.MarshalCanoto())
	for i := range f.b.nodes {
		eventually(f, fmt.Sprintf("b%d takes the untouched slice", i), func() string {
			if p := f.peer(i); p.InEnd != end || p.InBegin != end || p.State != mesh.Active {
				return fmt.Sprintf("%+v", p)
			}
			return ""
		})
	}
}

// entries is everything in the state of a node of b, but for the marks of lanes
// that misbehaved.
func (f *forgery) entries(i int) map[string]string {
	f.Helper()
	v, err := f.b.nodes[i].up().newest()
	if err != nil {
		f.Fatal(err)
	}
	all := make(map[string]string)
	err = v.Iterate(nil, nil, func(k, value []byte) (bool, error) {
		if !bytes.HasPrefix(k, []byte("lane/")) {
			all[string(k)] = string(value)
		}
		return true, nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return all
}

// attack has validator `lane` of b carry a forged item, and checks that all others
// refuse it with the error, blame that lane if it is a fault, and change nothing.
func (f *forgery) attack(lane int, kind types.ItemKind, data []byte, want error, fault bool) {
	f.Helper()
	f.b.settled()
	before := make([]map[string]string, len(f.b.nodes))
	for i, n := range f.b.nodes {
		before[i] = f.entries(i)
		n.newRefusals()
	}
	f.put(lane, kind, data)
	for i, n := range f.b.nodes {
		var got []refusal
		eventually(f, n.name+" refuses", func() string {
			if got = append(got, n.newRefusals()...); len(got) == 0 {
				return "it said nothing"
			}
			return ""
		})
		if r := got[0]; len(got) != 1 || int(r.lane) != lane || !errors.Is(r.err, want) || r.fault != fault {
			f.Errorf("%s: got %d refusals, the first by lane %d, fault %v: %v; want lane %d, fault %v: %v", n.name, len(got), r.lane, r.fault, r.err, lane, fault, want)
		}
		after := f.entries(i)
		for k, v := range after {
			if before[i][k] != v {
				f.Errorf("%s: entry %q changed", n.name, k)
			}
			delete(before[i], k)
		}
		for k := range before[i] {
			f.Errorf("%s: entry %q is gone", n.name, k)
		}
	}
	f.b.settled() // and all roots are equal
}

// free waits until a lane that was caught may speak again.
func (f *forgery) free(epoch uint64) {
	f.Helper()
	for i, n := range f.b.nodes {
		eventually(f, fmt.Sprintf("b%d begins the epoch after %d", i, epoch), func() string {
			if got := n.up().status.Load().Order.Epoch; got <= epoch {
				return fmt.Sprintf("epoch %d", got)
			}
			return ""
		})
	}
}

// certify signs a header as validators of a would with these keys.
func (f *forgery) certify(h *proofs.Header, c *proofs.Certificate, keys []*bls.SecretKey, voters ...int) proofs.Certificate {
	v := proofs.Vote{Kind: proofs.TypeFinalize, Epoch: h.Epoch, SetHash: h.SetHash, View: c.View, ParentView: c.ParentView, Header: h.ID()}
	return proofs.Certificate{View: c.View, ParentView: c.ParentView, Quorum: aggregate(v.SigningBytes(h.Network), keys, voters)}
}

func aggregate(msg []byte, keys []*bls.SecretKey, voters []int) proofs.Aggregate {
	agg := proofs.Aggregate{Bitmap: proofs.NewBitmap(validators)}
	var points []bls.Point
	for _, i := range voters {
		proofs.SetBit(agg.Bitmap, i)
		vote := keys[i].Sign(msg)
		point, err := bls.ParseVote(vote[:])
		if err != nil {
			panic(err)
		}
		points = append(points, point)
	}
	sig, err := bls.Aggregate(points)
	if err != nil {
		panic(err)
	}
	agg.Signature = sig.Bytes()
	return agg
}

func (f *forgery) realKeys() (keys []*bls.SecretKey) {
	for _, k := range f.keys {
		keys = append(keys, k.BLS)
	}
	return keys
}

func attackerKeys(t testing.TB) (keys []*bls.SecretKey) {
	t.Helper()
	for range validators {
		k, err := bls.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

// consistent changes a message and everything that follows from it up to the
// header: what is left to forge is the certificate.
func consistent(t testing.TB, s *proofs.Slice, consumed merkle.Range, change func(*proofs.Message)) {
	t.Helper()
	change(&s.Messages[0])
	for i := range s.Messages {
		if err := consumed.Append(s.Messages[i].ID(), nil); err != nil {
			t.Fatal(err)
		}
	}
	root, err := consumed.Root()
	if err != nil {
		t.Fatal(err)
	}
	h := &s.Header.Header
	s.Proof.Head.Root = root
	heads := []proofs.QueueHead{s.Proof.Head}
	proof, err := proofs.ProveHead(h.Network, heads, s.Proof.Head.Peer)
	if err != nil {
		t.Fatal(err)
	}
	s.Proof = *proof
	if h.OutboundRoot, err = proofs.OutboundRoot(h.Network, h.ExecutedTime, heads); err != nil {
		t.Fatal(err)
	}
}

func (f *forgery) consumed() merkle.Range {
	f.Helper()
	n := f.b.nodes[honestLane].up()
	v, err := n.newest()
	if err != nil {
		f.Fatal(err)
	}
	in, err := v.LogInfo(mesh.InLog(f.a.zero.ID, 1))
	if err != nil {
		f.Fatal(err)
	}
	return in.Range.Clone()
}

// reread decodes a copy.
func reread(t testing.TB, s *proofs.Slice) *proofs.Slice {
	t.Helper()
	c, err := proofs.DecodeSlice(s.MarshalCanoto())
	if err != nil {
		t.Fatal(err)
	}
	return c
}
