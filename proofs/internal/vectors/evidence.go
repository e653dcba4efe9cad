package main

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// evidence is a claim that the network founded by Zero contradicted itself: Kind
// is "equivocation", or "divergence" of its queue for Reader. Both headers are of
// the first epoch.
type evidence struct {
	Desc    string `json:"desc"`
	Kind    string `json:"kind"`
	Zero    string `json:"zero"`
	Reader  string `json:"reader"`
	Now     string `json:"now"` // the judge's clock, ms
	Wire    string `json:"wire"`
	WantErr string `json:"wantErr"`
}

func evidenceRows() []evidence { return append(equivocationRows(), divergenceRows()...) }

func equivocationRows() (rows []evidence) {
	add := func(desc, wantErr string, late uint64, change func(n *prooftest.Network, e *proofs.Equivocation)) {
		n := alpha()
		a, b := n.Next(), n.Next()
		b.CutRoot[0] ^= 1
		e := &proofs.Equivocation{A: n.Certify(a), B: n.Certify(b)}
		change(n, e)
		rows = append(rows, evidence{
			Desc: desc, Kind: "equivocation", Zero: hexOf(n.Zero.MarshalCanoto()), Reader: hexOf(make([]byte, 32)),
			Now: fmt.Sprint(a.Time + late), Wire: hexOf(e.MarshalCanoto()), WantErr: wantErr,
		})
	}
	add("two headers of one height", "", 0, func(*prooftest.Network, *proofs.Equivocation) {})
	add("one header twice", "no contradiction", 0, func(_ *prooftest.Network, e *proofs.Equivocation) { e.B = e.A })
	add("two heights", "no contradiction", 0, func(n *prooftest.Network, e *proofs.Equivocation) {
		e.B.Header.Height++
		e.B = n.Certify(e.B.Header)
	})
	add("one of them notarized only", "bad signature", 0, func(n *prooftest.Network, e *proofs.Equivocation) {
		e.B.Certificate = n.Statement(proofs.TypeNotarize, e.B.Header)
	})
	add("a header that nobody signed", "bad signature", 0, func(_ *prooftest.Network, e *proofs.Equivocation) { e.B.Header.StateRoot[0] ^= 1 })
	add("past the trust period", "trust expired", prooftest.TrustPeriod, func(*prooftest.Network, *proofs.Equivocation) {})
	return rows
}

func divergenceRows() (rows []evidence) {
	reader := prooftest.Peer(0x22)
	add := func(desc, wantErr string, earlier, later int, fork bool, change func(d *proofs.Divergence)) {
		n := alpha()
		was, is := prooftest.NewQueue(n.ID(), reader, earlier), prooftest.NewQueue(n.ID(), reader, later)
		if fork {
			is.Messages[1].Payload = []byte("another")
		}
		d := new(proofs.Divergence)
		d.Earlier, d.EarlierHead = certifiedHead(n, was, reader)
		d.Later, d.LaterHead = certifiedHead(n, is, reader)
		if later > earlier {
			d.Index, d.EarlierEntry, d.LaterEntry = 1, was.Messages[1], is.Messages[1]
			d.EarlierBranch, d.LaterBranch = must(merkle.Inclusion(was.Leaves(), 1)), must(merkle.Inclusion(is.Leaves(), 1))
		}
		change(d)
		rows = append(rows, evidence{
			Desc: desc, Kind: "divergence", Zero: hexOf(n.Zero.MarshalCanoto()), Reader: hexOf(reader[:]),
			Now: fmt.Sprint(n.Clock().Now), Wire: hexOf(d.MarshalCanoto()), WantErr: wantErr,
		})
	}
	none := func(*proofs.Divergence) {}
	add("the later head ends below the earlier", "", 5, 3, false, none)
	add("one end, two roots", "", 5, 5, true, none)
	add("a longer queue with another message in place 1", "", 5, 8, true, none)
	add("a queue that grew", "no contradiction", 5, 8, false, none)
	add("a queue that stood still", "no contradiction", 5, 5, false, none)
	add("earlier and later exchanged", "no contradiction", 5, 3, false, func(d *proofs.Divergence) {
		d.Earlier, d.Later = d.Later, d.Earlier
		d.EarlierHead, d.LaterHead = d.LaterHead, d.EarlierHead
	})
	add("a branch of another message", "bad branch", 5, 8, true, func(d *proofs.Divergence) { d.LaterBranch[0][0] ^= 1 })
	add("an index where nothing is needed", "not canonical", 5, 3, false, func(d *proofs.Divergence) { d.Index = 1 })
	return rows
}

// certifiedHead appends a header to n that shows q as its only queue.
func certifiedHead(n *prooftest.Network, q *prooftest.Queue, reader proofs.NetworkID) (proofs.CertifiedHeader, proofs.HeadProof) {
	n.Heads = []proofs.QueueHead{q.Head()}
	h := n.Next()
	n.Append(h)
	return n.Certify(h), *must(proofs.ProveHead(n.ID(), n.Heads, reader))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
