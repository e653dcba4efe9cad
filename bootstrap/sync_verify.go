package bootstrap

import (
	"io"
	"sync"

	"github.com/isthmus-network/isthmus/proofs"
)

// partClaims is how many signatures are worth a goroutine: about 20 ms.
const partClaims = 64

// AdvanceOnCores is [proofs.Trust.AdvanceMany] on up to that many cores at once; no
// goroutine outlives a call. rand is read concurrently, and must be unpredictable
// to those who made the blocks.
func AdvanceOnCores(cores int, rand io.Reader) Advance {
	return func(trust proofs.Trust, blocks []proofs.KeyBlock, clock proofs.Clock) (proofs.Trust, []*proofs.VerifiedHeader, error) {
		var headers []*proofs.VerifiedHeader
		for len(blocks) > 0 {
			w := trust.Walk(blocks, clock)
			next, valid, err := w.Finish(workOn(w, cores, rand), rand)
			trust, headers = next, append(headers, valid...)
			if err != nil {
				return trust, headers, err
			}
			blocks = blocks[len(valid):]
		}
		return trust, headers, nil
	}
}

// workOn works on the parts of a walk, each in a goroutine of its own.
func workOn(w *proofs.Walk, cores int, rand io.Reader) []*proofs.WalkPart {
	parts := make([]*proofs.WalkPart, max(1, min(cores, w.Claims()/partClaims)))
	var working sync.WaitGroup
	for k := range parts {
		working.Go(func() { parts[k] = w.Part(k, len(parts), rand) })
	}
	working.Wait()
	return parts
}
