package proofs

import (
	"fmt"
	"math"
)

// Trust is what a follower of a network knows: the validator set that signs now,
// and how far it was followed. It is a value: methods return the next one and
// never change the receiver.
type Trust struct {
	Network     NetworkID
	Set         *ValidatorSet
	Epoch       uint64
	KeyHeight   uint64 // the last key block; 0 is the zero-header
	KeyID       Hash
	Time        uint64 // of the newest header that advanced this trust, ms
	TrustPeriod uint64 // ms
	MaxDrift    uint64 // ms
}

// Clock says when a verification happens, and how strict it is about it.
type Clock struct {
	Now uint64 // ms since the Unix epoch
	// Historical skips the trust period. It is for the walk from a pinned
	// zero-header or checkpoint towards the present, and for reading old proofs;
	// whoever uses it checks [Trust.Expired] at the end of the walk.
	Historical bool
}

// NewTrust starts following a network at its zero-header.
func NewTrust(z *Zero) Trust {
	return Trust{
		Network: z.ID, Set: z.Set, KeyID: Hash(z.ID), Time: z.Time,
		TrustPeriod: z.Parameters.TrustPeriod, MaxDrift: z.Parameters.MaxClockDrift,
	}
}

// Expired reports whether the set of t may have been released from its duty at
// now: signatures of such a set prove nothing any more.
func (t *Trust) Expired(now uint64) bool { return now > t.Time && now-t.Time > t.TrustPeriod }

// VerifyHeader checks that a quorum of the followed set finalised ch.Header. The key
// block that began the followed epoch needs no certificate any more: the trust
// rests on it.
//
// Errors, in this order: ErrNetwork, ErrVersion, ErrStale (an epoch already
// left), ErrEpoch (a key block is missing), ErrSet, ErrLink, ErrRoot, ErrTime,
// ErrClock, ErrExpired, ErrTooLarge or ErrLink for the links, and those of
// [Aggregate.Verify]. All but the last come before any cryptography: they judge
// a claim that nobody may have signed, so none of them says anything about the
// network itself.
func (t *Trust) VerifyHeader(ch *CertifiedHeader, clock Clock) (*VerifiedHeader, error) {
	return t.verifyHeader(ch, clock, atOnce)
}

func (t *Trust) verifyHeader(ch *CertifiedHeader, clock Clock, signed verifier) (*VerifiedHeader, error) {
	h := &ch.Header
	if t.isKeyBlock(h) {
		return t.knownKeyBlock(h, clock)
	}
	if err := t.precheck(h, clock); err != nil {
		return nil, err
	}
	id := h.ID()
	last, lastID, err := follow(h, id, ch.Links)
	if err != nil {
		return nil, err
	}
	if err := ch.Certificate.verify(t.Network, last, lastID, t.Set, signed); err != nil {
		return nil, fmt.Errorf("header %d of %s: %w", h.Height, t.Network.Short(), err)
	}
	return &VerifiedHeader{header: *h, id: id}, nil
}

// isKeyBlock reports whether h is the key block that began the followed epoch. It
// belongs to the epoch before, but it is the newest header of an idle network.
func (t *Trust) isKeyBlock(h *Header) bool {
	return t.KeyHeight > 0 && h.Height == t.KeyHeight && h.Network == t.Network && h.ID() == t.KeyID
}

// knownKeyBlock returns the key block that was verified when it advanced the trust.
func (t *Trust) knownKeyBlock(h *Header, clock Clock) (*VerifiedHeader, error) {
	if !clock.Historical && t.Expired(clock.Now) {
		return nil, fmt.Errorf("header %d of %s: last followed %d ms ago, trust period is %d: %w",
			h.Height, t.Network.Short(), clock.Now-t.Time, t.TrustPeriod, ErrExpired)
	}
	return &VerifiedHeader{header: *h, id: t.KeyID}, nil
}

// precheck compares the header with what is known, without cryptography.
func (t *Trust) precheck(h *Header, clock Clock) error {
	at := fmt.Sprintf("header %d of %s", h.Height, t.Network.Short())
	switch {
	case t.Set == nil:
		return fmt.Errorf("%s: no validator set is trusted: %w", at, ErrSet)
	case h.Network != t.Network:
		return fmt.Errorf("%s: got network %s, want %s: %w", at, h.Network.Short(), t.Network.Short(), ErrNetwork)
	case h.Version != Version:
		return fmt.Errorf("%s: got version %d, want %d: %w", at, h.Version, Version, ErrVersion)
	case h.Epoch < t.Epoch:
		return fmt.Errorf("%s: got epoch %d, want at least %d: %w", at, h.Epoch, t.Epoch, ErrStale)
	case h.Epoch > t.Epoch && h.SetHash != t.Set.hash:
		return fmt.Errorf("%s: got epoch %d of another set, known is epoch %d: %w", at, h.Epoch, t.Epoch, ErrEpoch)
	case h.SetHash != t.Set.hash:
		return fmt.Errorf("%s: got set %x, want %x: %w", at, h.SetHash[:4], t.Set.hash[:4], ErrSet)
	case h.Height <= t.KeyHeight || h.Executed >= h.Height || h.Epoch == math.MaxUint64:
		return fmt.Errorf("%s: epoch %d, executed %d, after key block %d: %w", at, h.Epoch, h.Executed, t.KeyHeight, ErrLink)
	case h.Epoch == t.Epoch && h.PreviousKeyHeight != t.KeyHeight,
		h.Epoch > t.Epoch && h.PreviousKeyHeight <= t.KeyHeight, h.PreviousKeyHeight >= h.Height:
		return fmt.Errorf("%s: got previous key block %d, known is %d: %w", at, h.PreviousKeyHeight, t.KeyHeight, ErrLink)
	case h.StateRoot == Hash{} || h.OutboundRoot == Hash{} || h.ReceiptRoot == Hash{}:
		return fmt.Errorf("%s: zero root: %w", at, ErrRoot)
	case h.ExecutedTime >= h.Time:
		return fmt.Errorf("%s: executed time %d is not before its time %d: %w", at, h.ExecutedTime, h.Time, ErrTime)
	case h.Time > clock.Now && h.Time-clock.Now > t.MaxDrift:
		return fmt.Errorf("%s: got time %d at %d, want at most %d ahead: %w", at, h.Time, clock.Now, t.MaxDrift, ErrClock)
	case !clock.Historical && t.Expired(clock.Now):
		return fmt.Errorf("%s: last followed %d ms ago, trust period is %d: %w", at, clock.Now-t.Time, t.TrustPeriod, ErrExpired)
	}
	return nil
}

// follow walks links from h to the header that the certificate is over. Nothing
// follows a key block in its epoch: it is shown with its own certificate.
func follow(h *Header, id Hash, links []Header) (*Header, Hash, error) {
	if len(links) > MaxLinks {
		return nil, Hash{}, fmt.Errorf("links: got %d, want at most %d: %w", len(links), MaxLinks, ErrTooLarge)
	}
	for i := range links {
		l := &links[i]
		if h.IsKeyBlock() || l.Parent != id || l.Height != h.Height+1 || l.Time <= h.Time || l.Network != h.Network ||
			l.Version != h.Version || l.Epoch != h.Epoch || l.SetHash != h.SetHash || l.PreviousKeyHeight != h.PreviousKeyHeight {
			return nil, Hash{}, fmt.Errorf("link %d: header %d does not follow header %d in its epoch: %w", i, l.Height, h.Height, ErrLink)
		}
		h, id = l, l.ID()
	}
	return h, id, nil
}

// Advance checks a key block and returns the trust that follows from it. A key
// block of a later epoch is accepted if the very same set signed it.
func (t *Trust) Advance(kb *KeyBlock, clock Clock) (Trust, *VerifiedHeader, error) {
	return t.advance(kb, clock, atOnce)
}

func (t *Trust) advance(kb *KeyBlock, clock Clock, signed verifier) (Trust, *VerifiedHeader, error) {
	h := &kb.Header
	if !h.IsKeyBlock() {
		return Trust{}, nil, fmt.Errorf("header %d of %s: no key block: %w", h.Height, t.Network.Short(), ErrLink)
	}
	if t.isKeyBlock(h) {
		return Trust{}, nil, fmt.Errorf("key block %d of %s: it is the one that is followed: %w", h.Height, t.Network.Short(), ErrStale)
	}
	v, err := t.verifyHeader(&CertifiedHeader{Header: *h, Certificate: kb.Certificate}, clock, signed)
	if err != nil {
		return Trust{}, nil, err
	}
	next, err := t.Set.apply(&kb.Next, signed)
	if err != nil {
		return Trust{}, nil, fmt.Errorf("key block %d of %s: %w", h.Height, t.Network.Short(), err)
	}
	if next.hash != h.NextSetHash {
		return Trust{}, nil, fmt.Errorf("key block %d of %s: delta gives set %x, want %x: %w",
			h.Height, t.Network.Short(), next.hash[:4], h.NextSetHash[:4], ErrSet)
	}
	n := *t
	n.Set, n.Epoch, n.KeyHeight, n.KeyID = next, h.Epoch+1, h.Height, v.id
	n.Time = max(t.Time, h.Time)
	return n, v, nil
}

// Refresh returns t as of a newer header of its epoch: the trust period starts
// anew. A header of a later epoch (which the same set signed) moves the epoch. A
// header of another network, of an earlier epoch or of another set changes
// nothing: what a set signs after its epoch does not prolong the next one's.
func (t *Trust) Refresh(v *VerifiedHeader) Trust {
	n := *t
	if t.Set == nil || v.header.Network != t.Network || v.header.Epoch < t.Epoch || v.header.SetHash != t.Set.hash {
		return n
	}
	n.Time = max(t.Time, v.header.Time)
	if v.header.Epoch > t.Epoch {
		n.Epoch, n.KeyHeight, n.KeyID = v.header.Epoch, v.header.PreviousKeyHeight, Hash{}
	}
	return n
}

// Conflict reports ErrEquivocation if a and b, both finally certified, differ at
// one height: proof that more than a third of the weight signed twice.
func Conflict(a, b *VerifiedHeader) error {
	if a.header.Network == b.header.Network && a.header.Height == b.header.Height && a.id != b.id {
		return fmt.Errorf("header %d of %s: ids %x and %x: %w", a.header.Height, a.header.Network.Short(), a.id[:4], b.id[:4], ErrEquivocation)
	}
	return nil
}
