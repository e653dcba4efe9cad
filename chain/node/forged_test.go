package node

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// attempt is one forgery: what a validator of b carries, and how it is refused.
type attempt struct {
	name  string
	kind  types.ItemKind
	data  func() []byte
	want  error
	fault bool
}

// A validator of b carries forged mesh items in its own lane. Whatever it carries,
// nothing changes at any node but the mark of its lane. SECURITY rows by name.
func TestForgedSliceChangesNothing(t *testing.T) {
	t.Parallel()
	f := newForgery(t)
	stranger := proofs.NetworkID{7}
	f.a.register(stranger)

	var ids []proofs.Hash
	for range 2 {
		ids = append(ids, f.a.submit(1, f.a.transfer(0, f.b.zero, 1, 5)))
	}
	old := f.slice(f.b.zero.ID, 0, 2)
	f.accepted(old, 2)
	for range 3 {
		ids = append(ids, f.a.submit(2, f.a.transfer(1, f.b.zero, 1, 5)))
	}
	fresh := f.slice(f.b.zero.ID, 2, 5)
	other := f.slice(stranger, 0, 0)
	for fresh.Header.Header.Epoch != other.Header.Header.Epoch { // a's epoch ended in between
		fresh, other = f.slice(f.b.zero.ID, 2, 5), f.slice(stranger, 0, 0)
	}
	var key *proofs.KeyBlock
	eventually(t, "a's next key block", func() string {
		blocks, err := served{f.a.nodes[0].up()}.KeyBlocks(f.peer(0).KeyHeight, 1)
		if err != nil || len(blocks) == 0 {
			return fmt.Sprint("none, ", err)
		}
		key = &blocks[0]
		return ""
	})
	for i, a := range f.attempts(old, fresh, other, key) {
		epoch := f.b.nodes[0].up().status.Load().Order.Epoch
		ok := t.Run(a.name, func(t *testing.T) {
			g := *f
			g.T = t
			g.attack(i%honestLane, a.kind, a.data(), a.want, a.fault)
		})
		if !ok {
			return
		}
		if i%honestLane == honestLane-1 {
			f.free(max(epoch, f.b.nodes[0].up().status.Load().Order.Epoch))
		}
	}
	f.free(f.b.nodes[0].up().status.Load().Order.Epoch)
	junk := reread(t, fresh)
	junk.Messages[2].Payload = []byte("junk")
	f.attack(0, types.ItemSlice, junk.MarshalCanoto(), proofs.ErrRoot, true)
	f.attack(0, types.ItemSlice, fresh.MarshalCanoto(), mesh.ErrLane, false) // junk slices: ignored for the epoch
	f.accepted(fresh, 5)
	f.put(honestLane, types.ItemKeyBlock, key.MarshalCanoto())
	eventually(t, "the untouched key block is taken", func() string {
		if p := f.peer(0); p.KeyHeight != key.Header.Height {
			return fmt.Sprintf("%+v", p)
		}
		return ""
	})
	f.b.introduce(f.a) // from here on b's own nodes carry
	ids = append(ids, f.a.submit(3, f.a.transfer(2, f.b.zero, 1, 5)))
	for _, id := range ids {
		f.a.crossed(id, f.b)
	}
	voucher := proofs.NativeAsset.Abroad(f.a.zero.ID)
	if got := f.b.balance(0, f.b.account(1), voucher); got != proofs.NewAmount(30) {
		t.Errorf("balance of vouchers: got %s, want 30", got)
	}
	f.b.pay(0)
	f.a.settled()
	if f.a.journal.contains("ALARM") || f.b.journal.contains("ALARM") {
		t.Error("a node raised an alarm")
	}
}

func (f *forgery) attempts(old, fresh, other *proofs.Slice, key *proofs.KeyBlock) []attempt {
	f.Helper()
	var all []attempt
	slice := func(name string, want error, fault bool, change func(s *proofs.Slice)) {
		s := reread(f, fresh)
		change(s)
		all = append(all, attempt{name, types.ItemSlice, s.MarshalCanoto, want, fault})
	}
	everybody := []int{0, 1, 2, 3}
	dearer := func(m *proofs.Message) { m.Amount = proofs.NewAmount(1_000_000) }
	slice("Verus: value not bound to proof: amount", proofs.ErrRoot, true, func(s *proofs.Slice) { dearer(&s.Messages[0]) })
	slice("Verus: value not bound to proof: recipient", proofs.ErrRoot, true, func(s *proofs.Slice) { s.Messages[1].Recipient[0] ^= 1 })
	slice("Verus: value not bound to proof: all but the certificate", proofs.ErrSignature, true, func(s *proofs.Slice) {
		consistent(f, s, f.consumed(), dearer)
	})
	slice("ChainSwap: self-chosen signers", proofs.ErrSignature, true, func(s *proofs.Slice) {
		consistent(f, s, f.consumed(), dearer)
		s.Header.Certificate = f.certify(&s.Header.Header, &s.Header.Certificate, attackerKeys(f), everybody...)
	})
	slice("Ronin: keys below quorum", proofs.ErrQuorum, true, func(s *proofs.Slice) {
		consistent(f, s, f.consumed(), dearer)
		s.Header.Certificate = f.certify(&s.Header.Header, &s.Header.Certificate, f.realKeys(), 0, 1)
	})
	slice("Nomad: zero root", proofs.ErrRoot, true, func(s *proofs.Slice) { s.Header.Header.OutboundRoot = proofs.Hash{} })
	slice("range omission: a message left out", proofs.ErrIndex, true, func(s *proofs.Slice) { s.Messages = slices.Delete(s.Messages, 1, 2) })
	slice("range omission: false end", proofs.ErrBranch, true, func(s *proofs.Slice) { s.Messages = s.Messages[:2] })
	slice("cross-network replay: another source", mesh.ErrUnknown, false, func(s *proofs.Slice) { s.Header.Header.Network = proofs.NetworkID{9} })
	all = append(all, attempt{"cross-network replay: another destination", types.ItemSlice, other.MarshalCanoto, proofs.ErrDestination, true})
	slice("fabricated evidence never freezes", proofs.ErrSignature, true, func(s *proofs.Slice) {
		s.Header = old.Header
		s.Header.Header.StateRoot[0] ^= 1
	})
	all = append(all, attempt{"replay: a slice that was inducted", types.ItemSlice, old.MarshalCanoto, proofs.ErrStale, false})
	gap := reread(f, fresh)
	gap.Start, gap.Messages = gap.Start+1, gap.Messages[1:]
	all = append(all, attempt{"gap accepted", types.ItemSlice, gap.MarshalCanoto, proofs.ErrGap, false})
	all = append(all, attempt{"Poly: another validator set", types.ItemKeyBlock, func() []byte { return f.forgedKeyBlock(key, false) }, proofs.ErrSignature, true})
	all = append(all, attempt{"stale key block: the real certificate over another set", types.ItemKeyBlock, func() []byte { return f.forgedKeyBlock(key, true) }, proofs.ErrSignature, true})
	all = append(all, attempt{"Poly: an act nobody approved", types.ItemAct, f.forgedAct, proofs.ErrSignature, true})
	all = append(all, attempt{"malformed response: garbage", types.ItemSlice, func() []byte { return bytes.Repeat([]byte{0xff}, 99) }, proofs.ErrMalformed, true})
	all = append(all, attempt{"malformed response: nothing", types.ItemKeyBlock, func() []byte { return []byte{0} }, proofs.ErrMalformed, true})
	return all
}

// forgedKeyBlock names an attacker's validators as the next set.
func (f *forgery) forgedKeyBlock(key *proofs.KeyBlock, keepCertificate bool) []byte {
	f.Helper()
	keys := attackerKeys(f)
	var members []proofs.Validator
	for i, k := range keys {
		node := proofs.NodeKey{byte(i + 1)}
		members = append(members, proofs.Validator{
			Node: node, Key: k.PublicKey().Bytes(), Possession: k.ProvePossession(node), Weight: 1,
		})
	}
	next, err := proofs.NewValidatorSet(members)
	if err != nil {
		f.Fatal(err)
	}
	forged := proofs.KeyBlock{Header: key.Header, Certificate: key.Certificate, Next: f.a.zero.Set.Delta(next)}
	forged.Header.NextSetHash = next.Hash()
	if !keepCertificate {
		forged.Certificate = f.certify(&forged.Header, &key.Certificate, keys, 0, 1, 2, 3)
	}
	return forged.MarshalCanoto()
}

// forgedAct pauses b's link to a with the signatures of strangers.
func (f *forgery) forgedAct() []byte {
	f.Helper()
	n := f.b.nodes[honestLane].up()
	f.free(n.status.Load().Order.Epoch) // one of an earlier epoch is refused, but blames nobody
	v, err := n.newest()
	if err != nil {
		f.Fatal(err)
	}
	act := types.Act{Network: f.b.zero.ID, Epoch: n.status.Load().Order.Epoch, Expiry: n.now() + actLifetime, Kind: types.ActPause, Peer: f.a.zero.ID}
	if act.Sequence, err = mesh.NextSequence(v); err != nil {
		f.Fatal(err)
	}
	c := types.CertifiedAct{Act: act, Approval: aggregate(act.SigningBytes(), attackerKeys(f), []int{0, 1, 2, 3})}
	return c.MarshalCanoto()
}
