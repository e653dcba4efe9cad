package api_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// network is a network of one validator, with one certified header: what the
// backend of these tests serves.
type network struct {
	zero     *proofs.Zero
	header   proofs.CertifiedHeader
	keyBlock proofs.KeyBlock
	receipts []proofs.Receipt
	leaves   []proofs.Hash
	slice    proofs.Slice
}

var (
	presentKey, presentValue = []byte("bal/there"), []byte("12")
	absentKey                = []byte("bal/nowhere")
	peerID                   = proofs.NetworkID{0xbb}
)

func parameters() proofs.Parameters {
	return proofs.Parameters{
		Name: "a", Symbol: "ISTA", Decimals: 6, EpochDuration: 1000, TrustPeriod: 9000, MaxClockDrift: 500,
		Heartbeat: 900, ViewTimeout: 250, MaxLag: 16, ExpiryWindow: 600, MessageLifetime: 3_600_000,
		BlockMessages: 1001, BlockGas: 1002, BaseFee: 11, ByteFee: 12, GasPrice: 13, LinkWindow: 14, MaxPayload: 1024,
		ThresholdNum: 3, ThresholdDen: 4,
	}
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	key, err := bls.NewSecretKey(append(make([]byte, bls.SecretKeySize-1), 7))
	if err != nil {
		t.Fatal(err)
	}
	node := proofs.NodeKey{0xaa}
	state, err := merkle.TrieRoot([]merkle.KV{{Key: presentKey, Value: presentValue}})
	if err != nil {
		t.Fatal(err)
	}
	member := proofs.Validator{Node: node, Key: key.PublicKey().Bytes(), Weight: 1, Possession: key.ProvePossession(node)}
	zh := proofs.ZeroHeader{Version: proofs.Version, Time: 1, Parameters: parameters(), Validators: []proofs.Validator{member}, StateRoot: state}
	zero, err := zh.Check()
	if err != nil {
		t.Fatal(err)
	}
	n := &network{zero: zero}
	for i := range uint64(5) {
		r := proofs.Receipt{Kind: proofs.ReceiptExternal, ID: proofs.Hash{byte(i)}, Index: i, Height: 1, Code: proofs.Code(i % 2)}
		n.receipts, n.leaves = append(n.receipts, r), append(n.leaves, r.Leaf(zero.ID))
	}
	n.header = n.certify(t, key, n.headerAt(2))
	kh := n.headerAt(3)
	kh.NextSetHash = zero.Set.Hash()
	ch := n.certify(t, key, kh)
	n.keyBlock = proofs.KeyBlock{Header: ch.Header, Certificate: ch.Certificate}
	n.slice = proofs.Slice{Header: n.header, Messages: []proofs.Message{{Version: proofs.Version, Source: zero.ID, Destination: peerID, Payload: []byte("hi")}}}
	return n
}

func (n *network) headerAt(height uint64) proofs.Header {
	return proofs.Header{
		Version: proofs.Version, Network: n.zero.ID, SetHash: n.zero.Set.Hash(), Height: height, Parent: proofs.Hash{1},
		Time: uint64(time.Now().UnixMilli()), Executed: 1, ExecutedTime: 2, StateRoot: n.zero.StateRoot, OutboundRoot: proofs.Hash{2},
		ReceiptRoot: merkle.Root(n.leaves), ReceiptSize: uint64(len(n.leaves)),
	}
}

func (n *network) certify(t *testing.T, key *bls.SecretKey, h proofs.Header) proofs.CertifiedHeader {
	t.Helper()
	v := proofs.Vote{Kind: proofs.TypeFinalize, SetHash: h.SetHash, View: 1, Header: h.ID()}
	vote := key.Sign(v.SigningBytes(h.Network))
	point, err := bls.ParseVote(vote[:])
	if err != nil {
		t.Fatal(err)
	}
	sig, err := bls.Aggregate([]bls.Point{point})
	if err != nil {
		t.Fatal(err)
	}
	return proofs.CertifiedHeader{Header: h, Certificate: proofs.Certificate{View: 1, Quorum: proofs.Aggregate{Bitmap: []byte{1}, Signature: sig.Bytes()}}}
}

// verified is what a stranger makes of the header.
func (n *network) verified(t *testing.T, ch *proofs.CertifiedHeader) *proofs.VerifiedHeader {
	t.Helper()
	trust := proofs.NewTrust(n.zero)
	v, err := trust.VerifyHeader(ch, proofs.Clock{Now: uint64(time.Now().UnixMilli()), Historical: true})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// rangeOf is the compact range of leaves [i, j).
func (n *network) rangeOf(t *testing.T, i, j uint64) []proofs.Hash {
	t.Helper()
	r := merkle.NewRange(i)
	for _, leaf := range n.leaves[i:j] {
		if err := r.Append(leaf, nil); err != nil {
			t.Fatal(err)
		}
	}
	return r.Nodes()
}

// proofOf is the trie's proof for a state of one entry.
func proofOf(key []byte) (p merkle.TrieProof, present bool) {
	if bytes.Equal(key, presentKey) {
		return p, true
	}
	p.Leaf = &merkle.TrieLeafData{KeyHash: merkle.KeyHash(presentKey), ValueHash: merkle.ValueHash(presentValue)}
	return p, false
}
