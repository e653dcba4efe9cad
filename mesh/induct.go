package mesh

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Bounds of a block's work with peers. They are rules: all nodes of a network
// must have the same.
const (
	// maxKeyBlocks bounds the key blocks looked at for one peer and lane, so that no
	// lane can use up what another needs.
	maxKeyBlocks = 64
	// maxHeaders bounds the headers verified for one peer and lane.
	maxHeaders = 2
	// maxActs bounds the approvals verified for one lane.
	maxActs = 4
	// maxEarlyRefunds and maxDeadlineScan bound the refunds that one slice proves
	// due by a deadline, and the records examined for them.
	maxEarlyRefunds = 256
	maxDeadlineScan = 1024
	// maxSeenHeaders is how many inducted headers of a peer are kept, to tell when
	// it certifies another at the same height.
	maxSeenHeaders = 64
)

// job is a piece of work once decoded; exactly one of the last five is set.
type job struct {
	index int
	Work
	zero  *proofs.ZeroHeader
	key   *proofs.KeyBlock
	slice *proofs.Slice
	act   *types.CertifiedAct
	ready *types.Ready
}

// induction is the work of one block.
type induction struct {
	*Rules
	st      types.State
	env     Env
	refunds []proofs.Message

	keyBlocks map[laneLink]int
	headers   map[laneLink]int
	acts      map[uint32]int
	verified  map[proofs.NetworkID]verified // the last header of each peer
	inducted  map[proofs.NetworkID]uint64   // messages
}

// verified is a header and the certificate that was checked for it; nil for the
// key block that the trust rests on, which is taken without one.
type verified struct {
	header *proofs.VerifiedHeader
	proof  *proofs.CertifiedHeader
}

type laneLink struct {
	lane uint32
	peer proofs.NetworkID
}

// Induct does a block's work with peers: zero-headers and key blocks, then slices
// by peer and start, then governance acts, then readiness. It returns a note for each piece, in
// that order, and the refunds that became due, without an index: their values are
// back in the supply. A note with an error and without Applied left the state as
// it was, except that a lane may have been marked as faulty.
func (r *Rules) Induct(st types.State, env Env, work []Work) (notes []Note, refunds []proofs.Message, err error) {
	if len(work) == 0 {
		return nil, nil, nil
	}
	in := &induction{
		Rules: r, st: st, env: env,
		keyBlocks: make(map[laneLink]int), headers: make(map[laneLink]int), acts: make(map[uint32]int),
		verified: make(map[proofs.NetworkID]verified), inducted: make(map[proofs.NetworkID]uint64),
	}
	jobs, notes := decodeWork(work)
	for i := range jobs {
		n, err := in.do(&jobs[i])
		if err != nil {
			return nil, nil, err
		}
		notes = append(notes, n)
	}
	return notes, in.refunds, nil
}

// decodeWork returns the jobs in the order in which they are done, and the notes
// of what does not decode.
func decodeWork(work []Work) ([]job, []Note) {
	var jobs []job
	var notes []Note
	for i := range work {
		j := job{index: i, Work: work[i]}
		if err := j.decode(); err != nil {
			n := j.note(proofs.NetworkID{}, 0)
			n.Fault, n.Err = true, err
			notes = append(notes, n)
			continue
		}
		jobs = append(jobs, j)
	}
	slices.SortStableFunc(jobs, compareJobs)
	return jobs, notes
}

func (j *job) decode() error {
	switch j.Kind {
	case types.ItemZero:
		j.zero = new(proofs.ZeroHeader)
		return proofs.Decode(j.zero, j.Data, proofs.MaxZeroBytes)
	case types.ItemKeyBlock:
		j.key = new(proofs.KeyBlock)
		return proofs.Decode(j.key, j.Data, proofs.MaxKeyBlockBytes)
	case types.ItemSlice:
		var err error
		j.slice, err = proofs.DecodeSlice(j.Data)
		return err
	case types.ItemAct:
		j.act = new(types.CertifiedAct)
		return proofs.Decode(j.act, j.Data, types.MaxActBytes)
	case types.ItemReady:
		j.ready = new(types.Ready)
		return proofs.Decode(j.ready, j.Data, types.MaxReadyBytes)
	}
	return fmt.Errorf("work: got kind %d: %w", j.Kind, proofs.ErrMalformed)
}

// rank is the order of kinds within a block.
func (j *job) rank() int {
	switch j.Kind {
	case types.ItemZero:
		return 0
	case types.ItemKeyBlock:
		return 1
	case types.ItemSlice:
		return 2
	case types.ItemAct:
		return 3
	}
	return 4
}

func compareJobs(a, b job) int {
	if c := cmp.Compare(a.rank(), b.rank()); c != 0 {
		return c
	}
	switch {
	case a.key != nil:
		x, y := &a.key.Header, &b.key.Header
		return cmp.Or(bytes.Compare(x.Network[:], y.Network[:]), cmp.Compare(x.Height, y.Height))
	case a.slice != nil:
		x, y := &a.slice.Header.Header, &b.slice.Header.Header
		return cmp.Or(bytes.Compare(x.Network[:], y.Network[:]), cmp.Compare(a.slice.Start, b.slice.Start), cmp.Compare(x.Executed, y.Executed))
	}
	return 0
}

func (j *job) note(peer proofs.NetworkID, height uint64) Note {
	return Note{Work: j.index, Lane: j.Lane, Kind: j.Kind, Peer: peer, Height: height}
}

func (in *induction) do(j *job) (Note, error) {
	ignored, err := in.ignored(j.Lane)
	if err != nil {
		return Note{}, err
	}
	if ignored {
		n := j.note(proofs.NetworkID{}, 0)
		n.Err = ErrLane
		return n, nil
	}
	switch {
	case j.zero != nil:
		return in.zeroHeader(j)
	case j.key != nil:
		return in.keyBlock(j)
	case j.act != nil:
		return in.act(j)
	case j.ready != nil:
		return in.ready(j)
	}
	return in.slice(j)
}

// ignored reports whether the lane's owner was caught in this epoch.
func (in *induction) ignored(lane uint32) (bool, error) {
	v, ok, err := in.st.Get(laneKey(lane))
	if err != nil || !ok {
		return false, err
	}
	epoch, err := decodeU64(v)
	return epoch == in.env.Epoch, err
}

// refuse completes the note of a job whose object failed with err.
func (in *induction) refuse(n Note, err error) Note {
	if blames(err) {
		return in.blame(n, err)
	}
	n.Err = err
	return n
}

// blame is refuse for a failure that no honest carrier meets, because it would
// have met it before: what the lane carries of this kind is ignored until the
// epoch ends, so that one check in vain is all that it can cost.
func (in *induction) blame(n Note, err error) Note {
	n.Err, n.Fault = err, true
	in.st.Set(laneKey(n.Lane), encodeU64(in.env.Epoch))
	return n
}

// blames reports whether err can only be met with an object that was never
// valid.
func blames(err error) bool {
	for _, kind := range [...]error{
		proofs.ErrSignature, proofs.ErrSigner, proofs.ErrQuorum, proofs.ErrMalformed, proofs.ErrNotCanon, proofs.ErrTooLarge,
		proofs.ErrRoot, proofs.ErrBranch, proofs.ErrIndex, proofs.ErrNetwork, proofs.ErrDestination, proofs.ErrTime,
		proofs.ErrPossession, proofs.ErrWeight, proofs.ErrSet,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// allowHeader counts a verification against the limit of the lane and the link.
func (in *induction) allowHeader(lane uint32, peer proofs.NetworkID) bool {
	k := laneLink{lane, peer}
	in.headers[k]++
	return in.headers[k] <= maxHeaders
}
