package prooftest

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Times of the test networks, in milliseconds.
const (
	ZeroTime    = 1_700_000_000_000
	Epoch       = 3_600_000
	TrustPeriod = 14 * 24 * Epoch
	Drift       = 10_000
)

// Parameters returns parameters in range.
func Parameters(name string) proofs.Parameters {
	return proofs.Parameters{
		Name: name, Symbol: "TST", Decimals: 9, EpochDuration: Epoch, TrustPeriod: TrustPeriod, MaxClockDrift: Drift,
		Heartbeat: 10_000, ViewTimeout: 250, MaxLag: 64, ExpiryWindow: 3600, MessageLifetime: Epoch, BlockMessages: 20_000,
		BlockGas: 1 << 40, BaseFee: 1000, ByteFee: 10, GasPrice: 1, LinkWindow: 10_000, MaxPayload: proofs.MaxPayload,
		ThresholdNum: 3, ThresholdDen: 4,
	}
}

// ZeroHeader returns the zero-header of a network.
func ZeroHeader(name string, seats ...Seat) proofs.ZeroHeader {
	return proofs.ZeroHeader{
		Version: proofs.Version, Time: ZeroTime, Parameters: Parameters(name),
		Validators: Members(seats), StateRoot: sha256.Sum256([]byte("state of " + name)),
	}
}

// Network is a network as a stranger sees it: it makes headers, signs them, and
// changes its set. Its queue heads are what the caller says.
type Network struct {
	Zero      *proofs.Zero
	Committee *Committee
	Heads     []proofs.QueueHead

	epoch     uint64
	keyHeight uint64
	last      proofs.Header
	lastID    proofs.Hash
}

var founded sync.Map // name and seats as text → *proofs.Zero, which nobody changes

// NewNetwork founds a network.
func NewNetwork(name string, seats ...Seat) *Network {
	n := &Network{Committee: NewCommittee(seats...)}
	key := fmt.Sprint(name, seats)
	if zero, ok := founded.Load(key); ok {
		n.Zero = zero.(*proofs.Zero)
	} else {
		z := ZeroHeader(name, seats...)
		n.Zero = must(z.Check())
		founded.Store(key, n.Zero)
	}
	n.last.Time, n.lastID = n.Zero.Time, proofs.Hash(n.Zero.ID)
	return n
}

// ID returns the network's id.
func (n *Network) ID() proofs.NetworkID { return n.Zero.ID }

// Trust returns what somebody knows who has read the zero-header only.
func (n *Network) Trust() proofs.Trust { return proofs.NewTrust(n.Zero) }

// Clock returns the time just after the newest header.
func (n *Network) Clock() proofs.Clock { return proofs.Clock{Now: n.last.Time + 1000} }

// Next returns the header of the next block, which commits to n.Heads. It is not
// part of the chain until [Network.Append].
func (n *Network) Next() proofs.Header {
	at := n.last.Time
	return proofs.Header{
		Version: proofs.Version, Network: n.ID(), Epoch: n.epoch, SetHash: n.Committee.Set.Hash(),
		Height: n.last.Height + 1, Parent: n.lastID, PreviousKeyHeight: n.keyHeight,
		CutRoot: sha256.Sum256([]byte("cut")), Time: at + 1000, Executed: n.last.Height, ExecutedTime: at,
		StateRoot: n.Zero.StateRoot, OutboundRoot: must(proofs.OutboundRoot(n.ID(), at, n.Heads)),
		ReceiptRoot: merkle.EmptyRoot(),
	}
}

// Append makes h the newest header.
func (n *Network) Append(h proofs.Header) { n.last, n.lastID = h, h.ID() }

// Certify returns h with a finalize certificate by the members in places who.
func (n *Network) Certify(h proofs.Header, who ...int) proofs.CertifiedHeader {
	return proofs.CertifiedHeader{Header: h, Certificate: n.Finalize(h, who...)}
}

// Finalize returns the certificate that finalizes h, by who.
func (n *Network) Finalize(h proofs.Header, who ...int) proofs.Certificate {
	return n.Statement(proofs.TypeFinalize, h, who...)
}

// Places returns the places of the members with these keys.
func (n *Network) Places(keys ...uint64) []int {
	places := make([]int, len(keys))
	for i, k := range keys {
		place, found := n.Committee.Set.IndexOf(identityOf(k).node)
		if !found {
			panic("prooftest: no such member")
		}
		places[i] = place
	}
	return places
}

// Statement returns votes of one kind about h in the form of a certificate. The
// view is twice the height; the parent's view the one before.
func (n *Network) Statement(kind proofs.ObjectType, h proofs.Header, who ...int) proofs.Certificate {
	v := proofs.Vote{Kind: kind, Epoch: h.Epoch, SetHash: h.SetHash, View: 2 * h.Height, ParentView: 2*h.Height - 1, Header: h.ID()}
	return proofs.Certificate{View: v.View, ParentView: v.ParentView, Quorum: n.Committee.Sign(v.SigningBytes(n.ID()), who...)}
}

// Extend appends one certified header and returns it.
func (n *Network) Extend() proofs.CertifiedHeader {
	h := n.Next()
	n.Append(h)
	return n.Certify(h)
}

// KeyBlock returns the key block that would hand over to next at the next height.
func (n *Network) KeyBlock(next *Committee) proofs.KeyBlock {
	h := n.Next()
	h.NextSetHash = next.Set.Hash()
	return proofs.KeyBlock{Header: h, Certificate: n.Finalize(h), Next: n.Committee.Set.Delta(next.Set)}
}

// Rotate appends a key block: next signs from now on.
func (n *Network) Rotate(next *Committee) proofs.KeyBlock {
	kb := n.KeyBlock(next)
	n.Append(kb.Header)
	n.Committee, n.epoch, n.keyHeight = next, n.epoch+1, kb.Header.Height
	return kb
}
