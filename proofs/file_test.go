package proofs_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// written takes a file over its bytes.
func written(t testing.TB, f *proofs.File) (*proofs.File, []byte) {
	t.Helper()
	b, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := proofs.ParseFile(b)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return again, b
}

func fileError(b *prooftest.Book, f *proofs.File, r proofs.Reading) error {
	data, err := f.Marshal()
	if err != nil {
		return err
	}
	return bytesError(b, data, r)
}

func bytesError(b *prooftest.Book, data []byte, r proofs.Reading) error {
	f, err := proofs.ParseFile(data)
	if err != nil {
		return err
	}
	s, err := f.Verify(b.Home.ID(), r)
	r.Rand = rand.Reader
	if _, together := f.Verify(b.Home.ID(), r); fmt.Sprint(together) != fmt.Sprint(err) {
		return fmt.Errorf("verified together: got %v, want %v", together, err)
	}
	if err == nil && (s == nil || len(s.Lines()) == 0) {
		return fmt.Errorf("no error and no statement")
	}
	return err
}

// TestFilesSay: each kind verifies, also across a change of the set, and says in
// words and in JSON what it proves.
func TestFilesSay(t *testing.T) {
	says := map[string][]string{
		"message":      {"index 4", "memo 4", "holds messages [2, 7)"},
		"receipt":      {"executed the external message", "entry 3", "index 2"},
		"account":      {"has 0.000004993 TST", "has 0 units of asset 01"},
		"absence":      {`holds nothing under the key 62616c2f6e6f626f6479 ("bal/nobody")`},
		"unexecuted":   {"never will", "2500000000"},
		"conservation": {"0.00000085 TST are escrowed", "vouchers for 0.00000018 TST", "In flight to it 0.0000006 TST, to home 0.00000007 TST"},
	}
	for _, rotate := range []bool{false, true} {
		b := prooftest.NewBook(4, rotate)
		for name, f := range b.Files() {
			if rotate && name == "unexecuted" {
				b.Expiry++
			}
			f, data := written(t, f)
			again, err := f.Marshal()
			if err != nil || !bytes.Equal(again, data) {
				t.Fatalf("%s: encodes to other bytes", name)
			}
			s, err := f.Verify(b.Home.ID(), b.Reading())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			text := strings.Join(s.Lines(), "\n")
			for _, want := range append(says[name], "Signed by weight 4 of 4: 4 of the 4 validators", "network alpha ("+b.Home.ID().String()+")") {
				if !strings.Contains(text, want) {
					t.Errorf("%s: got %q, want it to say %q", name, text, want)
				}
			}
			if s.Kind.String() != name || s.Networks[0].Expired || s.Networks[0].Age == 0 {
				t.Errorf("%s: got %v, %+v", name, s.Kind, s.Networks[0])
			}
			if j, err := json.Marshal(s); err != nil || !strings.Contains(string(j), `"kind":"`+name+`"`) {
				t.Errorf("%s: JSON: %s, %v", name, j, err)
			}
		}
	}
}

// TestEveryBitOfAFile: a file with any bit changed, cut anywhere, or with a byte
// more, is refused with a reason.
func TestEveryBitOfAFile(t *testing.T) {
	b := prooftest.NewBook(1, true)
	for name, f := range b.Files() {
		_, data := written(t, f)
		if err := bytesError(b, data, b.Reading()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range 8 * len(data) {
			changed := bytes.Clone(data)
			changed[i/8] ^= 1 << (i % 8)
			if err := bytesError(b, changed, b.Reading()); err == nil || err.Error() == "" {
				t.Fatalf("%s: bit %d of byte %d of %d: accepted", name, i%8, i/8, len(data))
			}
		}
		for i := range data {
			if bytesError(b, data[:i], b.Reading()) == nil {
				t.Fatalf("%s: cut to %d of %d bytes: accepted", name, i, len(data))
			}
		}
		if bytesError(b, append(bytes.Clone(data), 0), b.Reading()) == nil {
			t.Fatalf("%s: a byte more: accepted", name)
		}
	}
}

// resealed writes the digest of a changed body: what a forger does.
func resealed(data []byte) []byte {
	sum := sha256.Sum256(append([]byte("isthprf1"), data[40:]...))
	return append(append([]byte("isthprf1"), sum[:]...), data[40:]...)
}

// TestForgedFile: with a digest that fits, every changed byte is refused as well, or
// is the question: the file then says, truly, that something else is absent.
func TestForgedFile(t *testing.T) {
	b := prooftest.NewBook(1, false)
	for name, f := range b.Files() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, data := written(t, f)
			s, err := f.Verify(b.Home.ID(), b.Reading())
			ok(t, err)
			from, step := len(data)-len(f.Claim.MarshalCanoto()), 1
			switch name {
			case "receipt":
				from = 40 // the chain is the same in all: once is enough
			case "conservation":
				step = 5
			}
			for i := from; i < len(data); i += step {
				changed := bytes.Clone(data)
				changed[i] ^= 1 << (i % 8)
				g, err := proofs.ParseFile(resealed(changed))
				if err != nil {
					continue
				}
				forged, err := g.Verify(b.Home.ID(), b.Reading())
				if err == nil && (!otherQuestion(b, forged) || slices.Equal(s.Lines(), forged.Lines())) {
					t.Fatalf("bit %d of byte %d of %d: accepted: %q", i%8, i, len(data), forged.Lines())
				}
			}
		})
	}
}

// otherQuestion reports whether a statement is of something absent, and true.
func otherQuestion(b *prooftest.Book, s *proofs.Statement) bool {
	present := func(key []byte) bool { _, ok := b.HomeState[string(key)]; return ok }
	switch {
	case s.Absent != nil:
		return !present(s.Absent.Key)
	case s.Unexecuted != nil:
		return s.Unexecuted.Expiry == b.Expiry && !slices.Contains(b.Bodies, proofs.Hash(s.Unexecuted.Body))
	case s.Account != nil:
		for _, have := range s.Account.Balances {
			if have.Amount.IsZero() == present(proofs.BalanceKey(s.Account.Account, have.Asset.At(b.Home.ID()))) {
				return false
			}
		}
		return true
	}
	return false
}

// fileRefused shows that a book's file is accepted, and refused with want after change.
func fileRefused(t *testing.T, name string, want error, make func(b *prooftest.Book) *proofs.File, change func(b *prooftest.Book, f *proofs.File, r *proofs.Reading)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Helper()
		b := prooftest.NewBook(3, false)
		f, r := make(b), b.Reading()
		if err := fileError(b, f, r); err != nil {
			t.Fatalf("untouched: got %v, want it accepted", err)
		}
		change(b, f, &r)
		wantError(t, fileError(b, f, r), want)
	})
}

type fileChange = func(b *prooftest.Book, f *proofs.File, r *proofs.Reading)

func TestFileRefusals(t *testing.T) {
	receipt := func(b *prooftest.Book) *proofs.File { return b.ReceiptFile(3) }
	for _, c := range []struct {
		name   string
		want   error
		change fileChange
	}{
		{"of another network", proofs.ErrNetwork, func(b *prooftest.Book, _ *proofs.File, _ *proofs.Reading) { b.Home = b.Abroad }},
		{"zero-header of another network", proofs.ErrNetwork, func(b *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
			f.Chains[0].Zero = b.Abroad.Zero.ZeroHeader
		}},
		{"no chain", proofs.ErrNotCanon, func(_ *prooftest.Book, f *proofs.File, _ *proofs.Reading) { f.Chains = nil }},
		{"a chain too many", proofs.ErrNotCanon, func(b *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
			f.Chains = append(f.Chains, b.Chain(b.Abroad))
		}},
		{"too few signed", proofs.ErrQuorum, func(b *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
			f.Chains[0].Header = b.Home.Certify(f.Chains[0].Header.Header, 0, 1)
		}},
		{"notarized only", proofs.ErrSignature, func(b *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
			h := &f.Chains[0].Header
			h.Certificate = b.Home.Statement(proofs.TypeNotarize, h.Header)
		}},
		{"another receipt", proofs.ErrBranch, func(b *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
			f.Claim.(*proofs.ReceiptClaim).Receipt = b.Receipts[2]
		}},
		{"another place", proofs.ErrBranch, func(_ *prooftest.Book, f *proofs.File, _ *proofs.Reading) { f.Claim.(*proofs.ReceiptClaim).Index-- }},
		{"too old for the reader", proofs.ErrExpired, func(_ *prooftest.Book, f *proofs.File, r *proofs.Reading) {
			r.MaxAge = r.Now - f.Chains[0].Header.Header.ExecutedTime - 1
		}},
		{"out of trust for the reader", proofs.ErrExpired, func(_ *prooftest.Book, f *proofs.File, r *proofs.Reading) {
			r.Now, r.InTrust = f.Chains[0].Header.Header.Time+prooftest.TrustPeriod+1, true
		}},
		{"from the future", proofs.ErrClock, func(_ *prooftest.Book, f *proofs.File, r *proofs.Reading) {
			r.Now = f.Chains[0].Header.Header.Time - prooftest.Drift - 1
		}},
	} {
		fileRefused(t, c.name, c.want, receipt, c.change)
	}
}

// TestFileAge: a file is history, and says so.
func TestFileAge(t *testing.T) {
	b := prooftest.NewBook(3, false)
	f, _ := written(t, b.ReceiptFile(0))
	h := f.Chains[0].Header.Header
	s, err := f.Verify(b.Home.ID(), proofs.Reading{Now: h.Time + prooftest.TrustPeriod, InTrust: true, MaxAge: prooftest.TrustPeriod + 1000})
	ok(t, err)
	if s.Networks[0].Expired || s.Networks[0].Age != h.Time+prooftest.TrustPeriod-h.ExecutedTime {
		t.Errorf("at the end of the trust period: got %+v", s.Networks[0])
	}
	s, err = f.Verify(b.Home.ID(), proofs.Reading{Now: h.Time + prooftest.TrustPeriod + 1})
	ok(t, err)
	if !s.Networks[0].Expired || !strings.Contains(strings.Join(s.Lines(), "\n"), "HISTORY") {
		t.Errorf("past the trust period: got %+v, %q", s.Networks[0], s.Lines())
	}
}

// TestKeyBlocksOfAFile: each change of the set is shown, in order, and the header's
// own key block is not shown twice.
func TestKeyBlocksOfAFile(t *testing.T) {
	b := prooftest.NewBook(3, true)
	f := b.ReceiptFile(1)
	ok(t, fileError(b, f, b.Reading()))
	f.Chains[0].KeyBlocks = nil
	wantError(t, fileError(b, f, b.Reading()), proofs.ErrEpoch)
	f.Chains[0].KeyBlocks = append(b.Rotated, b.Rotated[0])
	wantError(t, fileError(b, f, b.Reading()), proofs.ErrStale)

	key := f.Chains[0]
	key.KeyBlocks, key.Header = nil, proofs.CertifiedHeader{Header: b.Rotated[0].Header, Certificate: b.Rotated[0].Certificate}
	_, _, err := key.Verify(b.Home.ID(), b.Reading())
	ok(t, err)
	key.KeyBlocks = b.Rotated
	_, _, err = key.Verify(b.Home.ID(), b.Reading())
	wantError(t, err, proofs.ErrNotCanon)

	// A set that stays needs no link.
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 3)...)
	kb := n.Rotate(n.Committee)
	for _, c := range []proofs.Chain{{KeyBlocks: []proofs.KeyBlock{kb}}, {}} {
		c.Zero, c.Header = n.Zero.ZeroHeader, n.Certify(n.Next())
		v, s, err := c.Verify(n.ID(), proofs.Reading{Now: n.Clock().Now})
		ok(t, err)
		if v.Header().Epoch != 1 || s.Epoch != 1 {
			t.Errorf("got epoch %d, want 1", v.Header().Epoch)
		}
	}
}

func TestClaimRefusals(t *testing.T) {
	native := proofs.NativeAsset
	message := func(b *prooftest.Book) *proofs.File { return b.MessageFile(4) }
	account := func(b *prooftest.Book) *proofs.File {
		return b.AccountFile(b.Holder, native, proofs.NewAssetID(b.Abroad.ID(), proofs.Hash{}))
	}
	absence := func(b *prooftest.Book) *proofs.File { return b.AbsenceFile([]byte("nothing")) }
	for _, c := range []struct {
		name   string
		want   error
		make   func(b *prooftest.Book) *proofs.File
		change func(b *prooftest.Book, claim proofs.Claim)
	}{
		{"message changed", proofs.ErrBranch, message, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.MessageClaim).Message.Amount[15] ^= 1 }},
		{"message moved", proofs.ErrBranch, message, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.MessageClaim).Message.Index-- }},
		{"message beyond the queue", proofs.ErrIndex, message, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.MessageClaim).Message.Index = 7 }},
		{"message of another link", proofs.ErrDestination, message, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.MessageClaim).Message.Destination[0] ^= 1 }},
		{"message of another source", proofs.ErrNetwork, message, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.MessageClaim).Message.Source[0] ^= 1 }},
		{"message of another incarnation", proofs.ErrIncarnation, message, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.MessageClaim).Message.Incarnation++ }},
		{"queue longer", proofs.ErrBranch, message, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.MessageClaim).Head.Head.End++ }},
		{"balance changed", proofs.ErrBranch, account, func(_ *prooftest.Book, c proofs.Claim) {
			c.(*proofs.AccountClaim).Balances[0].Entry.Value = make([]byte, 16)
		}},
		{"balance said absent", proofs.ErrBranch, account, func(_ *prooftest.Book, c proofs.Claim) {
			c.(*proofs.AccountClaim).Balances[0].Entry = proofs.StateEntry{Proof: c.(*proofs.AccountClaim).Balances[0].Entry.Proof}
		}},
		{"balance of another account", proofs.ErrBranch, account, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.AccountClaim).Account[0] ^= 1 }},
		{"absence with a value", proofs.ErrNotCanon, account, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.AccountClaim).Balances[0].Entry.Present = false }},
		{"assets out of order", proofs.ErrNotCanon, account, func(_ *prooftest.Book, c proofs.Claim) {
			b := c.(*proofs.AccountClaim).Balances
			b[0], b[1] = b[1], b[0]
		}},
		{"no assets", proofs.ErrTooLarge, account, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.AccountClaim).Balances = nil }},
		{"own asset under its name abroad", proofs.ErrNotCanon, account, func(b *prooftest.Book, c proofs.Claim) {
			own := proofs.NewAssetID(b.Home.ID(), proofs.Hash{})
			c.(*proofs.AccountClaim).Balances = []proofs.BalanceClaim{{Asset: own, Entry: prooftest.Entry(b.HomeState, proofs.BalanceKey(b.Holder, own))}}
		}},
		{"key that is there", proofs.ErrBranch, absence, func(b *prooftest.Book, c proofs.Claim) {
			*c.(*proofs.KeyAbsenceClaim) = proofs.KeyAbsenceClaim{Key: proofs.FeesKey(), Proof: prooftest.Entry(b.HomeState, proofs.FeesKey()).Proof}
		}},
		{"another key", proofs.ErrBranch, absence, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.KeyAbsenceClaim).Key = proofs.FeesKey() }},
		{"empty absence", proofs.ErrMalformed, absence, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.KeyAbsenceClaim).Proof = nil }},
		{"emptiness", proofs.ErrBranch, absence, func(_ *prooftest.Book, c proofs.Claim) { c.(*proofs.KeyAbsenceClaim).Proof = []byte{0, 0, 0} }},
	} {
		fileRefused(t, c.name, c.want, c.make, func(b *prooftest.Book, f *proofs.File, _ *proofs.Reading) { c.change(b, f.Claim) })
	}
}

// TestUnexecuted: every place in the bucket, and buckets that do not show it.
func TestUnexecuted(t *testing.T) {
	b := prooftest.NewBook(1, false)
	for _, body := range []proofs.Hash{{0x05}, {0x10, 1}, {0x25}, {0x5f}, {0xf0}} {
		ok(t, fileError(b, b.UnexecutedFile(body), b.Reading()))
	}
	wantError(t, fileError(b, b.UnexecutedFile(proofs.Hash{0x20}), b.Reading()), proofs.ErrBranch) // it is there
	empty := prooftest.NewBook(1, false)
	empty.Expiry-- // a bucket that never was
	empty.Bodies = nil
	ok(t, fileError(empty, empty.UnexecutedFile(proofs.Hash{1}), empty.Reading()))
	delete(b.HomeState, string(proofs.LogKey(proofs.BucketLog(b.Expiry))))
	wantError(t, fileError(b, b.UnexecutedFile(proofs.Hash{0x25}), b.Reading()), proofs.ErrIndex) // neighbours of nowhere

	unexecuted := func(b *prooftest.Book) *proofs.File { return b.UnexecutedFile(proofs.Hash{0x25}) }
	for _, c := range []struct {
		name   string
		want   error
		change func(b *prooftest.Book, f *proofs.File, c *proofs.BodyAbsenceClaim)
	}{
		{"a body between left out", proofs.ErrBranch, func(b *prooftest.Book, _ *proofs.File, c *proofs.BodyAbsenceClaim) { c.Left = b.Neighbour(0) }},
		{"neighbours that are none", proofs.ErrBranch, func(b *prooftest.Book, _ *proofs.File, c *proofs.BodyAbsenceClaim) {
			c.Left, c.Right, c.Index = b.Neighbour(2), b.Neighbour(3), 3
		}},
		{"right neighbour withheld", proofs.ErrIndex, func(_ *prooftest.Book, _ *proofs.File, c *proofs.BodyAbsenceClaim) { c.Right = proofs.Neighbour{} }},
		{"left neighbour withheld", proofs.ErrNotCanon, func(_ *prooftest.Book, _ *proofs.File, c *proofs.BodyAbsenceClaim) { c.Left = proofs.Neighbour{} }},
		{"index said 0", proofs.ErrNotCanon, func(_ *prooftest.Book, _ *proofs.File, c *proofs.BodyAbsenceClaim) { c.Index = 0 }},
		{"index beyond", proofs.ErrIndex, func(_ *prooftest.Book, _ *proofs.File, c *proofs.BodyAbsenceClaim) { c.Index = 7 }},
		{"bucket said empty", proofs.ErrBranch, func(_ *prooftest.Book, _ *proofs.File, c *proofs.BodyAbsenceClaim) {
			c.Bucket = proofs.StateEntry{Proof: c.Bucket.Proof}
		}},
		{"waiting for its bucket", proofs.ErrBranch, func(b *prooftest.Book, f *proofs.File, c *proofs.BodyAbsenceClaim) {
			b.HomeState[string(proofs.DedupKey(b.Expiry, c.Body))] = nil
			*f = *b.UnexecutedFile(c.Body)
		}},
		{"bucket still open", proofs.ErrTime, func(b *prooftest.Book, f *proofs.File, c *proofs.BodyAbsenceClaim) {
			b.HomeState[string(proofs.LogKey(proofs.BucketLog(b.Expiry+1)))] = b.HomeState[string(proofs.LogKey(proofs.BucketLog(b.Expiry)))]
			b.Expiry++
			*f = *b.UnexecutedFile(c.Body)
		}},
	} {
		fileRefused(t, c.name, c.want, unexecuted, func(b *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
			c.change(b, f, f.Claim.(*proofs.BodyAbsenceClaim))
		})
	}
}

// TestConservation: sums that contradict each other are refused although both
// networks certified them.
func TestConservation(t *testing.T) {
	native := proofs.NativeAsset
	set := func(state map[string][]byte, key []byte, v uint64) {
		a := proofs.NewAmount(v)
		state[string(key)] = a[:]
	}
	for _, c := range []struct {
		name   string
		want   error
		change func(b *prooftest.Book)
	}{
		{"more vouchers than arrived", proofs.ErrConservation, func(b *prooftest.Book) {
			set(b.AbroadState, proofs.SupplyKey(proofs.NewAssetID(b.Home.ID(), proofs.Hash{})), 181)
		}},
		{"less escrowed than sent", proofs.ErrConservation, func(b *prooftest.Book) { set(b.HomeState, proofs.ClaimKey(b.Abroad.ID(), native), 849) }},
		{"more arrived than was sent", proofs.ErrConservation, func(b *prooftest.Book) {
			voucher := proofs.NewAssetID(b.Home.ID(), proofs.Hash{})
			b.AbroadState[string(proofs.FlowKey(b.Home.ID(), 1, voucher))] = prooftest.Flow(120, 901, 0)
			set(b.AbroadState, proofs.SupplyKey(voucher), 781)
		}},
		{"more came home than was sent back", proofs.ErrConservation, func(b *prooftest.Book) {
			b.HomeState[string(proofs.FlowKey(b.Abroad.ID(), 1, native))] = prooftest.Flow(1000, 121, 100)
			set(b.HomeState, proofs.ClaimKey(b.Abroad.ID(), native), 779)
		}},
		{"more fees than supply", proofs.ErrConservation, func(b *prooftest.Book) { set(b.HomeState, proofs.FeesKey(), 5001) }},
		{"abroad has consumed what home has not sent", proofs.ErrCut, func(b *prooftest.Book) {
			b.HomeState[string(proofs.LogKey(proofs.OutLog(b.Abroad.ID(), 1)))] = prooftest.Summary(0, b.Queue.Leaves()[:4])
		}},
		{"home has consumed what abroad has not sent", proofs.ErrCut, func(b *prooftest.Book) {
			b.AbroadState[string(proofs.LogKey(proofs.OutLog(b.Home.ID(), 1)))] = prooftest.Summary(0, b.Queue.Leaves()[:2])
		}},
		{"flows of another incarnation", proofs.ErrIncarnation, func(b *prooftest.Book) { b.HomeState[string(proofs.PeerKey(b.Abroad.ID()))] = prooftest.PeerRecord(2) }},
		{"not registered", proofs.ErrMalformed, func(b *prooftest.Book) { delete(b.AbroadState, string(proofs.PeerKey(b.Home.ID()))) }},
		{"an amount that is none", proofs.ErrMalformed, func(b *prooftest.Book) { b.HomeState[string(proofs.FeesKey())] = []byte{1} }},
		{"a flow that is none", proofs.ErrMalformed, func(b *prooftest.Book) {
			b.HomeState[string(proofs.FlowKey(b.Abroad.ID(), 1, native))] = []byte{1}
		}},
	} {
		fileRefused(t, c.name, c.want, (*prooftest.Book).ConservationFile, func(b *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
			c.change(b)
			*f = *b.ConservationFile()
		})
	}
	fileRefused(t, "home as its own peer", proofs.ErrNotCanon, (*prooftest.Book).ConservationFile, func(_ *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
		f.Chains[1] = f.Chains[0]
	})
	fileRefused(t, "a peer left out", proofs.ErrNotCanon, (*prooftest.Book).ConservationFile, func(_ *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
		f.Chains = f.Chains[:1]
	})
	fileRefused(t, "an entry left out", proofs.ErrNotCanon, (*prooftest.Book).ConservationFile, func(_ *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
		c := f.Claim.(*proofs.ConservationClaim)
		c.Home = c.Home[:1]
	})
	fileRefused(t, "flows left out", proofs.ErrNotCanon, (*prooftest.Book).ConservationFile, func(_ *prooftest.Book, f *proofs.File, _ *proofs.Reading) {
		l := &f.Claim.(*proofs.ConservationClaim).Peers[0]
		l.Home = l.Home[:4]
	})
}

// TestParseFileRefusals: what is no file at all.
func TestParseFileRefusals(t *testing.T) {
	b := prooftest.NewBook(1, false)
	_, data := written(t, b.ReceiptFile(0))
	for _, c := range []struct {
		name string
		want error
		data []byte
	}{
		{"nothing", proofs.ErrMalformed, nil},
		{"something else", proofs.ErrMalformed, []byte("PK\x03\x04 and more of it")},
		{"later format", proofs.ErrVersion, append([]byte("isthprf2"), data[8:]...)},
		{"magic alone", proofs.ErrMalformed, data[:8]},
		{"no body", proofs.ErrVersion, resealed(data[:40])},
		{"body damaged", proofs.ErrMalformed, append(bytes.Clone(data), 0)},
		{"body that does not decode", proofs.ErrMalformed, resealed(append(bytes.Clone(data), 0))},
		{"unknown kind", proofs.ErrVersion, resealed(append(append(bytes.Clone(data[:40]), 8, 7), data[42:]...))},
		{"too large", proofs.ErrTooLarge, make([]byte, proofs.MaxFileBytes+1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := proofs.ParseFile(c.data)
			wantError(t, err, c.want)
			if f != nil {
				t.Error("got a file together with an error")
			}
		})
	}
}

// TestVerifyRangeUnderHeader is how a part of a certified state is taken: the range
// proof leads to the header's state root.
func TestVerifyRangeUnderHeader(t *testing.T) {
	b := prooftest.NewBook(1, false)
	chain := b.Chain(b.Home)
	v, _, err := chain.Verify(b.Home.ID(), b.Reading())
	ok(t, err)
	var to proofs.Hash
	for i := range to {
		to[i] = 0xff
	}
	p, covered, err := prooftest.Trie(b.HomeState).ProveRange(proofs.Hash{}, to, 1000)
	ok(t, err)
	leaves, err := merkle.VerifyRange(v.Header().StateRoot, proofs.Hash{}, covered, p)
	ok(t, err)
	if len(leaves) != len(b.HomeState) {
		t.Errorf("got %d entries, want %d", len(leaves), len(b.HomeState))
	}
}
