package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// plan is the outcome of a transaction's changes so far.
type plan struct {
	at      int      // Tx.changes when it was made
	changed []*entry // of flat: those that differ from the base, in the order of keys
	trie    *node    // the new trie's root: a link, or nil if it is empty
	stale   []uint64 // pages not used any more
	root    merkle.Hash
}

// prepare computes the plan, or returns the one that still holds.
func (tx *Tx) prepare() (*plan, error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	if tx.err != nil {
		return nil, tx.err
	}
	tx.flushLogs()
	if tx.plan != nil && tx.plan.at == tx.changes {
		return tx.plan, nil
	}
	changed, err := tx.flat.differing()
	if err != nil {
		return nil, err
	}
	p := &plan{at: tx.changes, changed: changed}
	if err := tx.planTrie(p); err != nil {
		return nil, err
	}
	tx.plan = p
	return p, nil
}

// differing lists the entries that differ from the base, in the order of keys.
func (o *overlay) differing() ([]*entry, error) {
	var list []*entry
	for l := o.changed.head[0]; l != nil; l = l.next[0] {
		e := l.entry
		if e.state == untouched {
			continue
		}
		if err := o.fill(e); err != nil {
			return nil, err
		}
		if (e.state == written) == e.baseOK && (!e.baseOK || bytes.Equal(e.value, e.base)) {
			continue
		}
		list = append(list, e)
	}
	return list, nil
}

func (tx *Tx) planTrie(p *plan) error {
	changes := make([]change, len(p.changed))
	for i, e := range p.changed {
		changes[i].key = merkle.KeyHash([]byte(e.key))
		if changes[i].remove = e.state == deleted; !changes[i].remove {
			changes[i].value = merkle.ValueHash(e.value)
		}
	}
	slices.SortFunc(changes, compareChanges)
	u := &update{pages: tx.s.pages(tx.s.db), forks: 1}
	var base *node
	if tx.base.rootPage != 0 {
		var err error
		if base, err = u.load(tx.base.rootLink()); err != nil {
			return err
		}
	}
	next, err := u.apply(base, changes)
	if err != nil {
		return err
	}
	p.root = merkle.TrieEmpty()
	switch {
	case next != nil && next == base:
		p.trie = tx.base.rootLink()
	case next != nil && next.kind == kindLink:
		p.trie = next
	case next != nil:
		p.trie = linkTo(next)
	}
	if p.trie != nil {
		p.root = p.trie.hash
	}
	if base != nil && next != base {
		u.stale = append(u.stale, tx.base.rootPage)
	}
	p.stale = u.stale
	return nil
}

// Commit writes everything in one atomic batch and ends the transaction. With sync it
// returns when that is durable; without, a crash may lose the version as a whole. It
// returns the new root. What Root would refuse leaves the transaction open. On an error of the store the State must be reopened (ErrFailed).
func (tx *Tx) Commit(sync bool) (merkle.Hash, error) {
	p, err := tx.prepare()
	if err != nil {
		return merkle.Hash{}, err
	}
	defer tx.Discard()
	tx.s.logMu.Lock()
	defer tx.s.logMu.Unlock()
	next := tx.nextHead(p)
	var b store.Batch
	written := tx.writePages(&b, p, &next)
	if err := tx.writeRest(&b, p, &next); err != nil {
		return merkle.Hash{}, err
	}
	if err := tx.s.db.Write(&b, sync); err != nil {
		return merkle.Hash{}, tx.s.fail(err)
	}
	for _, w := range written {
		tx.s.cache.put(w.page, w.root)
	}
	for _, page := range p.stale {
		tx.s.cache.drop(page)
	}
	tx.s.head.Store(&next)
	return next.root, nil
}

// writeRest adds all but the pages to the batch.
func (tx *Tx) writeRest(b *store.Batch, p *plan, next *head) error {
	if err := tx.writeLogs(b, next); err != nil {
		return err
	}
	if err := tx.writeIndex(b); err != nil {
		return err
	}
	notes := tx.writeFlat(b, p, next)
	if err := tx.s.prune(b, next, notes); err != nil {
		return err
	}
	b.Set(numberKey(spaceRoot, tx.version), rootRecord(next))
	b.Set([]byte(spaceHead), next.encode())
	return nil
}

func (tx *Tx) nextHead(p *plan) head {
	next := *tx.base
	next.exists, next.version, next.root = true, tx.version, p.root
	if !tx.base.exists {
		next.floor = tx.version
	}
	if retain := tx.s.opt.Retain; tx.version >= retain {
		next.floor = max(next.floor, tx.version-retain+1)
	}
	return next
}

func (tx *Tx) writePages(b *store.Batch, p *plan, next *head) []writtenPage {
	next.rootPage = 0
	if p.trie == nil {
		return nil
	}
	written := number(p.trie, &next.nextPage, nil)
	next.rootPage = p.trie.page
	var buf []byte
	for _, w := range written {
		buf = encodePage(buf[:0], w.root)
		b.Set(numberKey(spacePage, w.page), buf)
	}
	return written
}

// writeFlat writes the changed values, and what old versions need: the values that were
// overwritten, and the notes of what to delete later. It returns the number of notes.
func (tx *Tx) writeFlat(b *store.Batch, p *plan, next *head) int {
	notes := staleNotes{b: b, version: tx.version, keep: tx.base.exists && next.floor < tx.version}
	for _, e := range p.changed {
		key := []byte(e.key)
		if e.state == deleted {
			b.Delete(spaceKey(spaceFlat, key))
		} else {
			b.Set(spaceKey(spaceFlat, key), e.value)
		}
		if notes.keep {
			old := make([]byte, 0, 1+len(e.base))
			if old = append(old, 0); e.baseOK {
				old[0] = 1
			}
			history := historyKey(key, tx.version)
			b.Set(history, append(old, e.base...))
			notes.add(history)
		}
	}
	for _, page := range p.stale {
		notes.add(numberKey(spacePage, page))
	}
	if tx.base.exists {
		notes.add(numberKey(spaceRoot, tx.base.version))
	}
	notes.flush()
	return notes.chunk
}

func (tx *Tx) writeIndex(b *store.Batch) error {
	changed, err := tx.index.differing()
	if err != nil {
		return err
	}
	for _, e := range changed {
		if e.state == deleted {
			b.Delete(spaceKey(spaceIndex, []byte(e.key)))
		} else {
			b.Set(spaceKey(spaceIndex, []byte(e.key)), e.value)
		}
	}
	return nil
}

func rootRecord(h *head) []byte {
	return append(binary.BigEndian.AppendUint64(nil, h.rootPage), h.root[:]...)
}

func parseRootRecord(b []byte) (page uint64, root merkle.Hash, err error) {
	if len(b) != 40 {
		return 0, root, fmt.Errorf("%w: root record of %d bytes, want 40", ErrCorrupt, len(b))
	}
	return binary.BigEndian.Uint64(b), merkle.Hash(b[8:]), nil
}
