package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Bounds of a conservation file.
const (
	MaxFilePeers        = 1000
	MaxFileIncarnations = 64 // of one link
)

// ConservationClaim shows one asset at its home and at peers. Chains[0] of the file
// is its home, Chains[i+1] the network of Peers[i]. All entries of one network are
// of one certified state.
type ConservationClaim struct {
	Asset Hash         `canoto:"fixed bytes,1"`    // the asset's id at home; zero is the home's own asset
	Home  []StateEntry `canoto:"repeated value,2"` // under HomeKeys
	Peers []LinkClaim  `canoto:"repeated value,3"`

	canotoData canotoData_ConservationClaim
}

// LinkClaim is what the two ends of one link say, each under its own LinkKeys.
type LinkClaim struct {
	Home   []StateEntry `canoto:"repeated value,1"`
	Abroad []StateEntry `canoto:"repeated value,2"`

	canotoData canotoData_LinkClaim
}

// HomeKeys lists the keys of an asset at home: its supply, and for the home's own
// asset the fees that are a part of it.
func HomeKeys(asset Hash) [][]byte {
	keys := [][]byte{SupplyKey(NewAssetID(HomeNetwork, asset))}
	if asset == (Hash{}) {
		keys = append(keys, FeesKey())
	}
	return keys
}

// LinkKeys lists the keys of the state of network self about its link to peer and
// an asset, under its name abroad: the peer's record, the queues out and in, what
// is escrowed (at the asset's home) or the supply of vouchers (elsewhere), and the
// flow in each incarnation.
func LinkKeys(self, peer NetworkID, incarnation uint64, asset AssetID) [][]byte {
	here := asset.At(self)
	held := SupplyKey(here)
	if here.Origin() == HomeNetwork {
		held = ClaimKey(peer, here)
	}
	keys := [][]byte{PeerKey(peer), LogKey(OutLog(peer, incarnation)), LogKey(InLog(peer, incarnation)), held}
	for i := uint64(1); i <= incarnation; i++ {
		keys = append(keys, FlowKey(peer, i, here))
	}
	return keys
}

// Kind implements [Claim].
func (c *ConservationClaim) Kind() FileKind { return FileConservation }

func (c *ConservationClaim) check(chains int) error {
	switch {
	case len(c.Peers) == 0 || len(c.Peers) > MaxFilePeers:
		return fmt.Errorf("got %d peers, want 1 to %d: %w", len(c.Peers), MaxFilePeers, ErrTooLarge)
	case chains != len(c.Peers)+1:
		return fmt.Errorf("got %d chains, want %d: %w", chains, len(c.Peers)+1, ErrNotCanon)
	case len(c.Home) != len(HomeKeys(c.Asset)):
		return fmt.Errorf("got %d entries of the home, want %d: %w", len(c.Home), len(HomeKeys(c.Asset)), ErrNotCanon)
	}
	return nil
}

func (c *ConservationClaim) verify(headers []*VerifiedHeader, s *Statement) error {
	home := headers[0]
	p := &ProvedConservation{Asset: NewAssetID(home.header.Network, c.Asset)}
	amounts := [2]Amount{}
	for i, key := range HomeKeys(c.Asset) {
		var err error
		if amounts[i], err = home.VerifyAmount(key, &c.Home[i]); err != nil {
			return err
		}
	}
	p.Supply, p.Fees = amounts[0], amounts[1]
	if p.Fees.Cmp(p.Supply) > 0 {
		return fmt.Errorf("fees %s of a supply of %s: %w", p.Fees, p.Supply, ErrConservation)
	}
	for i, abroad := range headers[1:] {
		id := abroad.header.Network
		if id == home.header.Network || i > 0 && bytes.Compare(headers[i].header.Network[:], id[:]) >= 0 {
			return fmt.Errorf("peer %d, %s: peers do not rise, or it is the home: %w", i, id.Short(), ErrNotCanon)
		}
		link, err := c.Peers[i].verify(home, abroad, p.Asset)
		if err != nil {
			return fmt.Errorf("link of %s and %s: %w", home.header.Network.Short(), id.Short(), err)
		}
		p.Peers = append(p.Peers, *link)
	}
	s.Conservation = p
	return nil
}

// verify checks both ends of a link, that their states fit together, and the sums.
func (c *LinkClaim) verify(home, abroad *VerifiedHeader, asset AssetID) (*ProvedLink, error) {
	here, err := readLinkEnd(home, abroad.header.Network, asset, c.Home)
	if err != nil {
		return nil, fmt.Errorf("at home: %w", err)
	}
	there, err := readLinkEnd(abroad, home.header.Network, asset, c.Abroad)
	if err != nil {
		return nil, fmt.Errorf("abroad: %w", err)
	}
	if len(here.flows) != len(there.flows) {
		return nil, fmt.Errorf("incarnations %d at home, %d abroad: %w", len(here.flows), len(there.flows), ErrIncarnation)
	}
	if there.in > here.out || here.in > there.out {
		return nil, fmt.Errorf("home has sent %d, of which %d are inducted abroad; abroad has sent %d, of which %d are inducted at home: %w",
			here.out, there.in, there.out, here.in, ErrCut)
	}
	l := &ProvedLink{Peer: abroad.header.Network, Incarnation: uint64(len(here.flows)), Claim: here.held, Vouchers: there.held}
	if err := l.addFlows(here, there); err != nil {
		return nil, err
	}
	if l.Vouchers.Cmp(l.Claim) > 0 {
		return nil, fmt.Errorf("vouchers %s, escrowed for them %s: %w", l.Vouchers, l.Claim, ErrConservation)
	}
	return l, nil
}

// linkEnd is one end of a link as its network's state has it.
type linkEnd struct {
	out, in uint64 // ends of the queues
	held    Amount // escrowed at home, or vouchers abroad
	flows   []flow
}

// flow is what crossed a link in one incarnation.
type flow struct{ sent, received, refunded Amount }

// incarnationAt is where a peer's record has the link's incarnation, and
// recordMinimum the fewest bytes that hold it (docs/spec/mesh.md).
const (
	incarnationAt  = 12
	recordMinimum  = incarnationAt + 8
	recordFormat   = 1
	linkFixedCount = 4 // entries before the flows
)

func readLinkEnd(v *VerifiedHeader, peer NetworkID, asset AssetID, entries []StateEntry) (*linkEnd, error) {
	n := len(entries) - linkFixedCount
	if n < 1 || n > MaxFileIncarnations {
		return nil, fmt.Errorf("got %d entries, want %d and one for each of 1 to %d incarnations: %w", len(entries), linkFixedCount, MaxFileIncarnations, ErrNotCanon)
	}
	verified := make([]*VerifiedEntry, len(entries))
	for i, key := range LinkKeys(v.header.Network, peer, uint64(n), asset) {
		var err error
		if verified[i], err = v.VerifyEntry(key, &entries[i]); err != nil {
			return nil, err
		}
	}
	record, ok := verified[0].Value()
	if !ok || len(record) < recordMinimum || record[0] != recordFormat {
		return nil, fmt.Errorf("record of peer %s: got %d bytes, want format %d: %w", peer.Short(), len(record), recordFormat, ErrMalformed)
	}
	if got := binary.BigEndian.Uint64(record[incarnationAt:]); got != uint64(n) {
		return nil, fmt.Errorf("flows of %d incarnations, the link is in incarnation %d: %w", n, got, ErrIncarnation)
	}
	return linkEndOf(verified)
}

func linkEndOf(verified []*VerifiedEntry) (*linkEnd, error) {
	out, err := verified[1].Log()
	if err != nil {
		return nil, err
	}
	in, err := verified[2].Log()
	if err != nil {
		return nil, err
	}
	end := &linkEnd{out: out.Range.End(), in: in.Range.End()}
	if end.held, err = verified[3].Amount(); err != nil {
		return nil, err
	}
	for _, e := range verified[linkFixedCount:] {
		f, err := e.flow()
		if err != nil {
			return nil, err
		}
		end.flows = append(end.flows, f)
	}
	return end, nil
}

func (v *VerifiedEntry) flow() (f flow, err error) {
	b, ok := v.Value()
	if !ok {
		return f, nil
	}
	if len(b) != 3*len(Amount{}) {
		return f, fmt.Errorf("flow under %q: got %d bytes, want %d: %w", v.key, len(b), 3*len(Amount{}), ErrMalformed)
	}
	return flow{Amount(b[:16]), Amount(b[16:32]), Amount(b[32:])}, nil
}

// addFlows computes what is in flight, and checks that the sums at each end are
// those of its flows. In an incarnation the home's sent less what it refunded and
// what abroad received is on its way there; and the other way round. Neither can
// be less than nothing in states that fit together: what was received was sent, and
// what was received is not refunded.
func (l *ProvedLink) addFlows(here, there *linkEnd) error {
	sums := sum128{ok: true}
	var burnt, made Amount // vouchers, abroad
	for i := range here.flows {
		h, t := &here.flows[i], &there.flows[i]
		l.ToPeer = sums.add(l.ToPeer, sums.sub(h.sent, sums.add(h.refunded, t.received)))
		l.ToHome = sums.add(l.ToHome, sums.sub(t.sent, sums.add(t.refunded, h.received)))
		l.Sent, l.Received, l.Refunded = sums.add(l.Sent, h.sent), sums.add(l.Received, h.received), sums.add(l.Refunded, h.refunded)
		burnt, made = sums.add(burnt, t.sent), sums.add(made, sums.add(t.received, t.refunded))
	}
	claimed, vouchers := sums.sub(l.Sent, sums.add(l.Received, l.Refunded)), sums.sub(made, burnt)
	switch {
	case !sums.ok:
		return fmt.Errorf("flows at home %v, abroad %v: more arrived than was sent: %w", here.flows, there.flows, ErrConservation)
	case claimed != l.Claim:
		return fmt.Errorf("escrowed: got %s, the flows leave %s: %w", l.Claim, claimed, ErrConservation)
	case vouchers != l.Vouchers:
		return fmt.Errorf("vouchers: got %s, the flows leave %s: %w", l.Vouchers, vouchers, ErrConservation)
	}
	return nil
}

// sum128 adds and subtracts until something does not fit.
type sum128 struct{ ok bool }

func (s *sum128) add(a, b Amount) Amount {
	v, ok := a.Add(b)
	s.ok = s.ok && ok
	return v
}

func (s *sum128) sub(a, b Amount) Amount {
	v, ok := a.Sub(b)
	s.ok = s.ok && ok
	return v
}
