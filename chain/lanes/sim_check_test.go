package lanes_test

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// holdsChain reports whether node i has everything from tip down to base, and
// whether that ends at base.
func (w *world) holdsChain(i int, epoch uint64, tip, base types.Tip) bool {
	d := w.nodes[i].d
	digest := tip.Digest
	for h := tip.Height; h > base.Height; h-- {
		c, ok := d.cars[digest]
		if !ok || c.Height != h || c.Epoch != epoch || slices.ContainsFunc(c.Batches, func(b proofs.Hash) bool { return !d.batches[b] }) {
			return false
		}
		digest = c.Parent
	}
	return base.Height == 0 || digest == base.Digest || tip.Height <= base.Height
}

// certified: more than a third of the weight holds the car and all below it that is
// not final.
func (w *world) certified(c types.CarCertificate) {
	w.certs++
	n := 0
	for _, v := range c.Votes {
		i := w.index(w.byEpoch[c.Epoch][v.Voter].node())
		base := types.Tip{Lane: c.Tip.Lane}
		if c.Epoch == w.epoch {
			base = w.cut.Tips[c.Tip.Lane]
		}
		floor := base
		floor.Digest = proofs.Hash{}
		if w.holdsAbove(i, c.Epoch, c.Tip, floor.Height) {
			n++
		}
	}
	if set := w.sets[c.Epoch]; c.Epoch == w.epoch && !set.IsOneHonest(uint64(n)) {
		w.t.Fatalf("certificate for lane %d height %d: %d voters hold it", c.Tip.Lane, c.Tip.Height, n)
	}
}

func (w *world) holdsAbove(i int, epoch uint64, tip types.Tip, floor uint64) bool {
	d := w.nodes[i].d
	digest := tip.Digest
	for h := tip.Height; h > floor; h-- {
		c, ok := d.cars[digest]
		if !ok || c.Epoch != epoch || slices.ContainsFunc(c.Batches, func(b proofs.Hash) bool { return !d.batches[b] }) {
			return false
		}
		digest = c.Parent
	}
	return true
}

// held checks the machine's word against the disk: each lane is there, or its tip
// is certified, which another third of the disks must prove.
func (w *world) held(i int, id proofs.Hash) {
	p := w.open[id]
	if p == nil {
		return
	}
	w.holds++
	epoch := w.nodes[i].ep
	for l := range p.cut.Tips {
		tip, base := p.cut.Tips[l], p.base.Tips[l]
		if tip.Height == base.Height || w.holdsChain(i, epoch, tip, base) {
			continue
		}
		n := uint64(0)
		for _, m := range w.byEpoch[epoch] {
			if w.holdsAbove(w.index(m.node()), epoch, tip, base.Height) {
				n++
			}
		}
		if !w.sets[epoch].IsOneHonest(n) {
			w.t.Fatalf("node %d says it holds lane %d from %d to %d; it does not, and %d others do", i, l, base.Height, tip.Height, n)
		}
	}
	p.held[i] = true
	if len(p.held) == 3 && p.base.Same(&w.cut) {
		w.finalize(p)
	}
}

func (w *world) finalize(p *proposal) {
	w.height++
	in := lanes.Final{Base: p.base}
	in.Block.Block.Header = proofs.Header{Epoch: w.epoch, Height: w.height}
	in.Block.Block.Cut = p.cut
	w.history = append(w.history, event{in, w.epoch})
	w.cut = p.cut
	clear(w.open)
}

func (w *world) ordered(i int, b lanes.OrderedBlock) {
	d := w.nodes[i].d
	for _, c := range b.Cars {
		for _, digest := range c.Batches {
			if !d.batches[digest] {
				w.t.Fatalf("node %d orders a batch that it lacks", i)
			}
			d.own = slices.DeleteFunc(d.own, func(o proofs.Hash) bool { return o == digest })
		}
	}
	if want := uint64(len(d.ordered) + 1); b.Final.Block.Header.Height != want {
		w.t.Fatalf("node %d orders height %d, want %d", i, b.Final.Block.Header.Height, want)
	}
	d.ordered = append(d.ordered, b)
	for k := d.executed; k < len(d.finals); k++ {
		if f, ok := d.finals[k].in.(lanes.Final); ok && f.Block.Block.Header.Height <= b.Final.Block.Header.Height {
			d.executed = k + 1
		}
	}
}
