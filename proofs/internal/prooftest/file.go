package prooftest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Book is what proof files are made from: two linked networks with states, logs
// and queues. Home issued the asset that is conserved; Abroad holds vouchers of it.
// Change it, then make a file of it.
type Book struct {
	Home, Abroad *Network
	Rotated      []proofs.KeyBlock // of Home
	HomeState    map[string][]byte
	AbroadState  map[string][]byte
	Queue        *Queue
	Receipts     []proofs.Receipt
	Bodies       []proofs.Hash // of the bucket Expiry, rising
	Expiry       uint64        // seconds
	Holder       proofs.AccountID
}

// Sums of the link as the book has them: home sent 1000, of which 300 arrived and
// 100 were refunded; abroad sent 120 back, of which home received 50.
const (
	BookSupply, BookFees              = 5000, 7
	BookSent, BookMade, BookRefunded  = 1000, 300, 100
	BookBurnt, BookReleased, BookBack = 120, 50, 0
)

// NewBook founds both networks with members validators each; if rotate, Home has
// changed its set once.
func NewBook(members int, rotate bool) *Book {
	b := &Book{
		Home: NewNetwork("alpha", Even(1, members)...), Abroad: NewNetwork("beta", Even(20, members)...),
		Expiry: ZeroTime / 1000, Holder: account("holder", 1),
	}
	if rotate {
		b.Rotated = append(b.Rotated, b.Home.Rotate(NewCommittee(Even(2, members)...)))
	}
	b.Queue = NewQueue(b.Home.ID(), b.Abroad.ID(), 7)
	for i := range uint64(5) {
		b.Receipts = append(b.Receipts, receipt(b, i))
	}
	for i := range byte(6) {
		b.Bodies = append(b.Bodies, proofs.Hash{0x10 * (i + 1)})
	}
	b.fill()
	return b
}

func receipt(b *Book, i uint64) proofs.Receipt {
	r := proofs.Receipt{
		Kind: proofs.ReceiptExternal, ID: sha256.Sum256(binary.BigEndian.AppendUint64([]byte("external"), i)), Body: proofs.Hash{byte(i + 1)},
		Height: 1, Time: ZeroTime + 1000, Gas: 1000, Fee: proofs.NewAmount(2000 + i),
	}
	if i == 3 {
		m := &b.Queue.Messages[2]
		r.Emitted = []proofs.EmittedRef{{Destination: m.Destination, Incarnation: 1, Index: 2, ID: m.ID()}}
	}
	return r
}

// fill writes both states.
func (b *Book) fill() {
	home, abroad := b.Home.ID(), b.Abroad.ID()
	native, voucher := proofs.NativeAsset, proofs.NewAssetID(home, proofs.Hash{})
	b.HomeState, b.AbroadState = map[string][]byte{}, map[string][]byte{}
	put := func(state map[string][]byte, key []byte, value []byte) { state[string(key)] = value }
	amount := func(v uint64) []byte { a := proofs.NewAmount(v); return a[:] }
	put(b.HomeState, proofs.SupplyKey(native), amount(BookSupply))
	put(b.HomeState, proofs.FeesKey(), amount(BookFees))
	put(b.HomeState, proofs.BalanceKey(b.Holder, native), amount(4993))
	put(b.HomeState, proofs.BalanceKey(b.Holder, proofs.NewAssetID(abroad, proofs.Hash{})), amount(12))
	put(b.HomeState, proofs.ClaimKey(abroad, native), amount(BookSent-BookRefunded-BookReleased))
	put(b.AbroadState, proofs.SupplyKey(voucher), amount(BookMade+BookBack-BookBurnt))
	put(b.HomeState, proofs.FlowKey(abroad, 1, native), Flow(BookSent, BookReleased, BookRefunded))
	put(b.AbroadState, proofs.FlowKey(home, 1, voucher), Flow(BookBurnt, BookMade, BookBack))
	put(b.HomeState, proofs.PeerKey(abroad), PeerRecord(1))
	put(b.AbroadState, proofs.PeerKey(home), PeerRecord(1))
	put(b.HomeState, proofs.LogKey(proofs.OutLog(abroad, 1)), Summary(2, b.Queue.Leaves()))
	put(b.AbroadState, proofs.LogKey(proofs.InLog(home, 1)), Summary(3, b.Queue.Leaves()[:5]))
	put(b.AbroadState, proofs.LogKey(proofs.OutLog(home, 1)), Summary(0, b.Queue.Leaves()[:3]))
	put(b.HomeState, proofs.LogKey(proofs.InLog(abroad, 1)), Summary(3, b.Queue.Leaves()[:3]))
	put(b.HomeState, proofs.LogKey(proofs.BucketLog(b.Expiry)), Summary(0, b.bodyLeaves()))
}

func (b *Book) bodyLeaves() []proofs.Hash {
	leaves := make([]proofs.Hash, len(b.Bodies))
	for i := range b.Bodies {
		leaves[i] = merkle.LeafHash(b.Bodies[i][:])
	}
	return leaves
}

// Flow is the value of a flow record.
func Flow(sent, received, refunded uint64) []byte {
	var out []byte
	for _, v := range [...]uint64{sent, received, refunded} {
		a := proofs.NewAmount(v)
		out = append(out, a[:]...)
	}
	return out
}

// PeerRecord is the value of an active peer's record, up to what files read of it.
func PeerRecord(incarnation uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, incarnation)
}

// Summary is the value of a log's summary.
func Summary(begin uint64, leaves []proofs.Hash) []byte {
	r := merkle.NewRange(0)
	for _, l := range leaves {
		if err := r.Append(l, nil); err != nil {
			panic(err)
		}
	}
	out := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, begin), r.End())
	for _, n := range r.Nodes() {
		out = append(out, n[:]...)
	}
	return out
}

// Trie returns the trie of a state.
func Trie(state map[string][]byte) *merkle.Trie {
	var pairs []merkle.KV
	for k, v := range state {
		pairs = append(pairs, merkle.KV{Key: []byte(k), Value: v})
	}
	return must(merkle.NewTrie(pairs))
}

// Entry is the honest claim about one key of a state.
func Entry(state map[string][]byte, key []byte) proofs.StateEntry {
	p, ok := Trie(state).Prove(key)
	return must(proofs.NewStateEntry(state[string(key)], ok, p))
}

// Entries are the honest claims about keys.
func Entries(state map[string][]byte, keys [][]byte) []proofs.StateEntry {
	out := make([]proofs.StateEntry, len(keys))
	for i, k := range keys {
		out[i] = Entry(state, k)
	}
	return out
}

// Chain certifies the state of a network as it is now, with the book's queue and
// receipts at home.
func (b *Book) Chain(n *Network) proofs.Chain {
	c := proofs.Chain{Zero: n.Zero.ZeroHeader}
	state := b.AbroadState
	if n == b.Home {
		state, c.KeyBlocks = b.HomeState, b.Rotated
		n.Heads = []proofs.QueueHead{NewQueue(n.ID(), Peer(0x11), 1).Head(), b.head()}
		slices.SortFunc(n.Heads, func(x, y proofs.QueueHead) int { return bytes.Compare(x.Peer[:], y.Peer[:]) })
	}
	h := n.Next()
	h.StateRoot = Trie(state).Root()
	if n == b.Home {
		leaves := b.receiptLeaves()
		h.ReceiptRoot, h.ReceiptSize = merkle.Root(leaves), uint64(len(leaves))
	}
	c.Header = n.Certify(h)
	return c
}

func (b *Book) head() proofs.QueueHead {
	head := b.Queue.Head()
	head.Begin, head.Acked, head.Settled = 2, 3, 3
	return head
}

func (b *Book) receiptLeaves() []proofs.Hash {
	leaves := make([]proofs.Hash, len(b.Receipts))
	for i := range b.Receipts {
		leaves[i] = b.Receipts[i].Leaf(b.Home.ID())
	}
	return leaves
}

// MessageFile shows message index of the queue.
func (b *Book) MessageFile(index int) *proofs.File {
	chain := b.Chain(b.Home)
	return &proofs.File{Chains: []proofs.Chain{chain}, Claim: &proofs.MessageClaim{
		Head: *must(proofs.ProveHead(b.Home.ID(), b.Home.Heads, b.Abroad.ID())), Message: b.Queue.Messages[index],
		Branch: must(merkle.Inclusion(b.Queue.Leaves(), uint64(index))),
	}}
}

// ReceiptFile shows receipt index.
func (b *Book) ReceiptFile(index int) *proofs.File {
	return &proofs.File{Chains: []proofs.Chain{b.Chain(b.Home)}, Claim: &proofs.ReceiptClaim{
		Receipt: b.Receipts[index], Index: uint64(index), Branch: must(merkle.Inclusion(b.receiptLeaves(), uint64(index))),
	}}
}

// AccountFile shows what an account has of assets, which rise.
func (b *Book) AccountFile(account proofs.AccountID, assets ...proofs.AssetID) *proofs.File {
	claim := &proofs.AccountClaim{Account: account}
	for _, a := range assets {
		claim.Balances = append(claim.Balances, proofs.BalanceClaim{Asset: a, Entry: Entry(b.HomeState, proofs.BalanceKey(account, a))})
	}
	return &proofs.File{Chains: []proofs.Chain{b.Chain(b.Home)}, Claim: claim}
}

// AbsenceFile shows what the state proves about key; it is an absence if there is
// one.
func (b *Book) AbsenceFile(key []byte) *proofs.File {
	return &proofs.File{Chains: []proofs.Chain{b.Chain(b.Home)}, Claim: &proofs.KeyAbsenceClaim{Key: key, Proof: Entry(b.HomeState, key).Proof}}
}

// UnexecutedFile shows that body is not in the bucket.
func (b *Book) UnexecutedFile(body proofs.Hash) *proofs.File {
	i, _ := slices.BinarySearchFunc(b.Bodies, body, func(a, b proofs.Hash) int { return bytes.Compare(a[:], b[:]) })
	claim := &proofs.BodyAbsenceClaim{
		Body: body, Expiry: b.Expiry, Index: uint64(i), Bucket: Entry(b.HomeState, proofs.LogKey(proofs.BucketLog(b.Expiry))),
		Open: Entry(b.HomeState, proofs.DedupKey(b.Expiry, body)).Proof,
	}
	if i > 0 {
		claim.Left = b.Neighbour(i - 1)
	}
	if i < len(b.Bodies) {
		claim.Right = b.Neighbour(i)
	}
	return &proofs.File{Chains: []proofs.Chain{b.Chain(b.Home)}, Claim: claim}
}

// Neighbour is entry i of the bucket.
func (b *Book) Neighbour(i int) proofs.Neighbour {
	return proofs.Neighbour{Body: b.Bodies[i], Branch: must(merkle.Inclusion(b.bodyLeaves(), uint64(i)))}
}

// ConservationFile shows the asset at both networks.
func (b *Book) ConservationFile() *proofs.File {
	home, abroad := b.Home.ID(), b.Abroad.ID()
	asset := proofs.NewAssetID(home, proofs.Hash{})
	return &proofs.File{Chains: []proofs.Chain{b.Chain(b.Home), b.Chain(b.Abroad)}, Claim: &proofs.ConservationClaim{
		Home: Entries(b.HomeState, proofs.HomeKeys(proofs.Hash{})),
		Peers: []proofs.LinkClaim{{
			Home:   Entries(b.HomeState, proofs.LinkKeys(home, abroad, 1, asset)),
			Abroad: Entries(b.AbroadState, proofs.LinkKeys(abroad, home, 1, asset)),
		}},
	}}
}

// Files are one good file of each kind, by name.
func (b *Book) Files() map[string]*proofs.File {
	return map[string]*proofs.File{
		"message":      b.MessageFile(4),
		"receipt":      b.ReceiptFile(3),
		"account":      b.AccountFile(b.Holder, proofs.NativeAsset, proofs.NewAssetID(proofs.NetworkID{1}, proofs.Hash{})),
		"absence":      b.AbsenceFile([]byte("bal/nobody")),
		"unexecuted":   b.UnexecutedFile(proofs.Hash{0x25}),
		"conservation": b.ConservationFile(),
	}
}

// Reading is at the book's time.
func (b *Book) Reading() proofs.Reading { return proofs.Reading{Now: b.Home.last.Time + 2000} }
