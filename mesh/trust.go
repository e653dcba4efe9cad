package mesh

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// maxCachedSets bounds the cache of parsed sets: the present and the previous one
// of each of many peers.
const maxCachedSets = 128

// setCache keeps parsed validator sets by hash: parsing proves every member's
// possession anew. It changes no result.
type setCache struct {
	mu    sync.Mutex
	sets  map[proofs.Hash]*proofs.ValidatorSet
	order []proofs.Hash // oldest first
}

func (c *setCache) get(h proofs.Hash) *proofs.ValidatorSet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sets[h]
}

func (c *setCache) put(s *proofs.ValidatorSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := s.Hash()
	if c.sets[h] != nil {
		return
	}
	if c.sets == nil {
		c.sets = make(map[proofs.Hash]*proofs.ValidatorSet)
	}
	if len(c.order) == maxCachedSets {
		delete(c.sets, c.order[0])
		c.order = append(c.order[:0], c.order[1:]...)
	}
	c.sets[h], c.order = s, append(c.order, h)
}

// readSet returns the set under key, which must have the hash want.
func (r *Rules) readSet(rd Reader, key []byte, want proofs.Hash) (*proofs.ValidatorSet, error) {
	if s := r.sets.get(want); s != nil {
		return s, nil
	}
	v, ok, err := rd.Get(key)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("set %x: no entry: %w", want[:4], ErrCorrupt)
	}
	s, err := decodeSet(v)
	if err != nil {
		return nil, err
	}
	if s.Hash() != want {
		return nil, fmt.Errorf("set: got %x, want %x: %w", s.Hash(), want, ErrCorrupt)
	}
	r.sets.put(s)
	return s, nil
}

// Trust returns what the state trusts of peer; ok is false before its zero-header
// was inducted.
func (r *Rules) Trust(rd Reader, peer proofs.NetworkID) (t proofs.Trust, ok bool, err error) {
	rec, ok, err := readRecord(rd, peer)
	if err != nil || !ok || rec.state == Registered {
		return proofs.Trust{}, false, err
	}
	t, err = r.trust(rd, peer, rec)
	return t, err == nil, err
}

func (r *Rules) trust(rd Reader, peer proofs.NetworkID, rec *record) (proofs.Trust, error) {
	set, err := r.readSet(rd, setKey(peer), rec.trust.setHash)
	return rec.restore(peer, &rec.trust, set), err
}

// oldTrust returns the trust of the epoch before, against which a second key
// block or a header beside the chain is judged; ok is false if there is none.
func (r *Rules) oldTrust(rd Reader, peer proofs.NetworkID, rec *record) (t proofs.Trust, ok bool, err error) {
	if rec.old.setHash == (proofs.Hash{}) {
		return proofs.Trust{}, false, nil
	}
	set, err := r.readSet(rd, oldSetKey(peer), rec.old.setHash)
	return rec.restore(peer, &rec.old, set), err == nil, err
}

func (r *record) restore(peer proofs.NetworkID, p *trustPoint, set *proofs.ValidatorSet) proofs.Trust {
	return proofs.Trust{
		Network: peer, Set: set, Epoch: p.epoch, KeyHeight: p.keyHeight, KeyID: p.keyID, Time: p.time,
		TrustPeriod: r.period, MaxDrift: r.drift,
	}
}

func point(t *proofs.Trust) trustPoint {
	return trustPoint{epoch: t.Epoch, keyHeight: t.KeyHeight, keyID: t.KeyID, time: t.Time, setHash: t.Set.Hash()}
}

// writeTrust records t as the trust of rec, and both sets.
func (r *Rules) writeTrust(st types.State, peer proofs.NetworkID, rec *record, t *proofs.Trust) error {
	rec.trust = point(t)
	r.sets.put(t.Set)
	return setIfNew(st, setKey(peer), encodeSet(t.Set))
}

// replaceTrust is writeTrust for the trust of a new epoch; the old one is kept
// beside it.
func (r *Rules) replaceTrust(st types.State, peer proofs.NetworkID, rec *record, old, t *proofs.Trust) error {
	rec.old = point(old)
	if err := setIfNew(st, oldSetKey(peer), encodeSet(old.Set)); err != nil {
		return err
	}
	return r.writeTrust(st, peer, rec, t)
}

func setIfNew(st types.State, key, value []byte) error {
	v, ok, err := st.Get(key)
	if err == nil && (!ok || !bytes.Equal(v, value)) {
		st.Set(key, value)
	}
	return err
}
