// Package memnet runs whole networks in memory for tests of pure packages: real
// keys, certificates, proofs and execution, without ordering, storage or
// transport. Whoever uses it decides what is carried where, and may forge.
//
// Tests and simulations import it. It imports mesh, chain/execution and what
// they import, and internal/memstate.
package memnet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Start is the time of every zero-state, ms.
const Start = 1_800_000_000_000

// User is an account with its key.
type User struct {
	Key     ed25519.PrivateKey
	Account proofs.AccountID
}

// NewUser returns the user of a name.
func NewUser(name string) User {
	seed := sha256.Sum256([]byte("user " + name))
	key := ed25519.NewKeyFromSeed(seed[:])
	return User{Key: key, Account: proofs.AccountOf([32]byte(key.Public().(ed25519.PublicKey)))}
}

// Validators is a validator set with its secrets.
type Validators struct {
	Set   *proofs.ValidatorSet
	Keys  []*bls.SecretKey     // in the set's order
	Nodes []ed25519.PrivateKey // likewise
}

// NewValidators returns n validators of weight 1 each.
func NewValidators(name string, n int) *Validators {
	type member struct {
		v    proofs.Validator
		key  *bls.SecretKey
		node ed25519.PrivateKey
	}
	var ms []member
	for i := range n {
		own := sha256.Sum256(fmt.Appendf(nil, "node %s %d", name, i))
		nodeKey := ed25519.NewKeyFromSeed(own[:])
		node := proofs.NodeKey(nodeKey.Public().(ed25519.PublicKey))
		seed := sha256.Sum256(fmt.Appendf(nil, "bls %s %d", name, i))
		key := must(bls.NewSecretKey(append([]byte{0}, seed[1:]...)))
		ms = append(ms, member{proofs.Validator{
			Node: node, Key: key.PublicKey().Bytes(), Weight: 1, Possession: key.ProvePossession(node),
		}, key, nodeKey})
	}
	slices.SortFunc(ms, func(a, b member) int { return slices.Compare(a.v.Node[:], b.v.Node[:]) })
	var vs []proofs.Validator
	out := &Validators{}
	for _, m := range ms {
		vs, out.Keys, out.Nodes = append(vs, m.v), append(out.Keys, m.key), append(out.Nodes, m.node)
	}
	out.Set = must(proofs.NewValidatorSet(vs))
	return out
}

// Sign returns the aggregate of the members listed, or of all.
func (v *Validators) Sign(msg []byte, members ...int) proofs.Aggregate {
	if len(members) == 0 {
		for i := range v.Keys {
			members = append(members, i)
		}
	}
	agg := proofs.Aggregate{Bitmap: proofs.NewBitmap(v.Set.Len())}
	var points []bls.Point
	for _, i := range members {
		proofs.SetBit(agg.Bitmap, i)
		sig := v.Keys[i].Sign(msg)
		points = append(points, must(bls.ParseVote(sig[:])))
	}
	agg.Signature = must(bls.Aggregate(points)).Bytes()
	return agg
}

// Network is one network in memory.
type Network struct {
	Zero       *proofs.Zero
	Genesis    []merkle.KV
	Validators *Validators
	State      *memstate.State
	Rules      *mesh.Rules
	Engine     *execution.Engine
	Issued     proofs.Amount // native units in the zero-state

	// Observe, unless nil, is shown each block before it is executed.
	Observe func(*execution.Block)

	Height, Time, Epoch uint64
	KeyHeight           uint64
	Headers             []proofs.CertifiedHeader // by height; [0] is empty
	KeyBlocks           []proofs.KeyBlock
	executed            []types.Executed
	heads               [][]proofs.QueueHead // after block i
	salt                uint64
}

// Parameters returns parameters for tests.
func Parameters(name string) proofs.Parameters {
	return proofs.Parameters{
		Name: name, Symbol: "TST", Decimals: 9, EpochDuration: 60_000, TrustPeriod: 600_000, MaxClockDrift: 5_000,
		Heartbeat: 10_000, ViewTimeout: 250, MaxLag: 64, ExpiryWindow: 120, MessageLifetime: 60_000,
		BlockMessages: 1000, BlockGas: 1000 * execution.GasTransfer, BaseFee: 10, ByteFee: 1, GasPrice: 1,
		LinkWindow: 256, MaxPayload: 4096, ThresholdNum: 2, ThresholdDen: 3,
	}
}

// New makes a network of n validators in which each user owns funds.
func New(p proofs.Parameters, n int, funds uint64, users ...User) *Network {
	v := NewValidators(p.Name, n)
	var allocations []execution.Allocation
	for _, u := range users {
		allocations = append(allocations, execution.Allocation{Account: u.Account, Amount: proofs.NewAmount(funds)})
	}
	genesis := must(execution.Genesis(allocations, v.Set))
	zero := must((&proofs.ZeroHeader{
		Version: proofs.Version, Time: Start, Parameters: p, Validators: v.Set.Members(), StateRoot: must(merkle.TrieRoot(genesis)),
	}).Check())
	net := &Network{
		Zero: zero, Genesis: genesis, Validators: v, Time: Start, Issued: proofs.NewAmount(funds * uint64(len(users))),
		Headers: make([]proofs.CertifiedHeader, 1), heads: [][]proofs.QueueHead{nil},
	}
	net.Restart(memstate.New(genesis))
	net.executed = []types.Executed{{
		Time: Start, StateRoot: zero.StateRoot, OutboundRoot: must(proofs.OutboundRoot(zero.ID, Start, nil)), ReceiptRoot: merkle.EmptyRoot(),
	}}
	return net
}

// Restart replaces the engine and its rules, as after a crash, on a state.
func (n *Network) Restart(st *memstate.State) {
	n.State, n.Rules = st, mesh.New(n.Zero)
	n.Engine = execution.New(n.Zero, n.Rules)
}

// ID returns the network's id.
func (n *Network) ID() proofs.NetworkID { return n.Zero.ID }

// Block is the block that the next Step makes of items, all in lane 0.
func (n *Network) Block(items ...types.Item) *execution.Block {
	b := &execution.Block{Height: n.Height + 1, Time: n.Time + 1000, Epoch: n.Epoch, Set: n.Validators.Set}
	for _, it := range items {
		b.Items = append(b.Items, Ordered(0, it))
	}
	return b
}

// Ordered is an item as the driver hands it to execution.
func Ordered(lane uint32, it types.Item) execution.Item {
	o := execution.Item{Lane: lane, Item: it}
	if it.Kind == types.ItemExternal {
		if x, err := types.DecodeExternal(it.Data); err == nil {
			o.External, o.SigOK = x, x.VerifySignature() == nil
		}
	}
	return o
}

// Step certifies a header over what was executed so far, and executes its block.
func (n *Network) Step(items ...types.Item) (*execution.Result, error) {
	return n.Run(n.Block(items...))
}

// Run is Step for a block made by the caller.
func (n *Network) Run(b *execution.Block) (*execution.Result, error) {
	h := n.header(b)
	n.Headers = append(n.Headers, n.Certify(h))
	if n.Observe != nil {
		n.Observe(b)
	}
	res, err := n.Engine.Execute(n.State, b)
	if err != nil {
		return nil, err
	}
	n.State.Commit()
	n.Height, n.Time = b.Height, b.Time
	receipts, err := n.State.LogInfo(execution.ReceiptLog)
	if err != nil {
		return nil, err
	}
	n.heads = append(n.heads, res.Heads)
	n.executed = append(n.executed, types.Executed{
		Height: b.Height, Time: b.Time, StateRoot: n.State.Root(), ReceiptRoot: must(receipts.Range.Root()), ReceiptSize: receipts.End(),
		OutboundRoot: must(proofs.OutboundRoot(n.ID(), b.Time, res.Heads)), NextSet: res.NextSet,
	})
	return res, n.Check()
}

// header is the header of block b, with the results of the last executed one.
func (n *Network) header(b *execution.Block) proofs.Header {
	e := &n.executed[len(n.executed)-1]
	parent := proofs.Hash(n.ID())
	if n.Height > 0 {
		parent = n.Headers[n.Height].Header.ID()
	}
	return proofs.Header{
		Version: proofs.Version, Network: n.ID(), Epoch: b.Epoch, SetHash: b.Set.Hash(), Height: b.Height, Parent: parent,
		PreviousKeyHeight: n.KeyHeight, Time: b.Time, Executed: e.Height, ExecutedTime: e.Time, StateRoot: e.StateRoot,
		OutboundRoot: e.OutboundRoot, ReceiptRoot: e.ReceiptRoot, ReceiptSize: e.ReceiptSize,
	}
}

// Certify has members finalise any header, all of them if none are named.
func (n *Network) Certify(h proofs.Header, members ...int) proofs.CertifiedHeader {
	return CertifyWith(n.Validators, h, members...)
}

// CertifyWith is Certify by other validators.
func CertifyWith(v *Validators, h proofs.Header, members ...int) proofs.CertifiedHeader {
	c := proofs.Certificate{View: h.Height, ParentView: h.Height - 1}
	vote := proofs.Vote{
		Kind: proofs.TypeFinalize, Epoch: h.Epoch, SetHash: h.SetHash, View: c.View, ParentView: c.ParentView, Header: h.ID(),
	}
	c.Quorum = v.Sign(vote.SigningBytes(h.Network), members...)
	return proofs.CertifiedHeader{Header: h, Certificate: c}
}

// Rotate ends the epoch with a key block that hands over to next.
func (n *Network) Rotate(next *Validators) (proofs.KeyBlock, error) {
	b := n.Block()
	h := n.header(b)
	h.NextSetHash = next.Set.Hash()
	ch := n.Certify(h)
	kb := proofs.KeyBlock{Header: h, Certificate: ch.Certificate, Next: n.Validators.Set.Delta(next.Set)}
	if _, err := n.Run(b); err != nil {
		return kb, err
	}
	n.Headers[h.Height] = ch
	n.KeyBlocks = append(n.KeyBlocks, kb)
	n.Validators, n.KeyHeight = next, h.Height
	n.Epoch++
	return kb, nil
}

// Slice makes the slice of the queue to peer from start on with at most count
// messages, under the newest header.
func (n *Network) Slice(peer proofs.NetworkID, start, count uint64) *proofs.Slice {
	return n.SliceAt(n.Height, peer, start, count)
}

// SliceAt is Slice under the header at a height.
func (n *Network) SliceAt(height uint64, peer proofs.NetworkID, start, count uint64) *proofs.Slice {
	return n.SliceUnder(n.Headers[height], peer, start, count)
}

// SliceUnder is Slice under a header that shows the heads after its Executed.
func (n *Network) SliceUnder(ch proofs.CertifiedHeader, peer proofs.NetworkID, start, count uint64) *proofs.Slice {
	proof := must(proofs.ProveHead(n.ID(), n.heads[ch.Header.Executed], peer))
	s := &proofs.Slice{Header: ch, Proof: *proof, Start: start}
	log := mesh.OutLog(peer, proof.Head.Incarnation)
	end := min(start+count, proof.Head.End)
	for i := start; i < end; i++ {
		var m proofs.Message
		check(proofs.Decode(&m, must(n.State.LogEntry(log, i)), proofs.MaxSliceBytes))
		s.Messages = append(s.Messages, m)
	}
	if len(s.Messages) > 0 && end < proof.Head.End {
		right := merkle.NewRange(end)
		for _, leaf := range n.State.Leaves(log)[end:proof.Head.End] {
			check(right.Append(leaf, nil))
		}
		s.Right = right.Nodes()
	}
	return s
}

// Heads returns the queue heads after the last block.
func (n *Network) Heads() []proofs.QueueHead { return n.heads[len(n.heads)-1] }

// Act returns an act of this network, approved by all.
func (n *Network) Act(kind types.ActKind, peer proofs.NetworkID) types.CertifiedAct {
	a := types.Act{
		Network: n.ID(), Epoch: n.Epoch, Sequence: must(mesh.NextSequence(n.State)), Expiry: n.Time + 60_000, Kind: kind, Peer: peer,
	}
	if kind == types.ActRegister {
		a.NetworkKind, a.GasRate = "native", 2
	}
	return n.Approve(a)
}

// Approve has members sign an act, all of them if none are named.
func (n *Network) Approve(a types.Act, members ...int) types.CertifiedAct {
	return types.CertifiedAct{Act: a, Approval: n.Validators.Sign(a.SigningBytes(), members...)}
}

// Send returns a signed external message of u that transfers amount of an asset.
func (n *Network) Send(u User, to proofs.NetworkID, recipient proofs.AccountID, asset proofs.AssetID, amount uint64) types.External {
	n.salt++
	x := types.External{
		Network: n.ID(), Salt: n.salt, Expiry: n.Time/1000 + 60,
		Transfer: types.Transfer{Network: to, Recipient: recipient, Asset: asset, Amount: proofs.NewAmount(amount), Gas: execution.GasTransfer},
	}
	x.Sign(u.Key)
	return x
}

// Balance returns a balance, which must fit in 64 bits.
func (n *Network) Balance(account proofs.AccountID, asset proofs.AssetID) uint64 {
	return Small(must(execution.Balance(n.State, account, asset)))
}

// Small returns an amount that fits in 64 bits.
func Small(a proofs.Amount) uint64 {
	if binary.BigEndian.Uint64(a[:8]) != 0 {
		panic("amount beyond 64 bits")
	}
	return binary.BigEndian.Uint64(a[8:])
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

// check panics: what this package makes itself is well-formed.
func check(err error) {
	if err != nil {
		panic(err)
	}
}
