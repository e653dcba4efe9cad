package consensus

import (
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// Crypto makes and checks votes. Its methods are synchronous, deterministic and
// called by the goroutine that calls [Machine.Step]. [NewBLS] is the real one.
type Crypto interface {
	// Sign returns this node's signature over msg.
	Sign(msg []byte) [bls.VoteSize]byte
	// Combine aggregates raw votes over msg by voters, whose indexes in set rise:
	// it sums them, checks and verifies the sum once, and bisects only if that
	// fails. It returns the aggregate of the good votes and the places (in votes,
	// rising) of the bad ones. The weights are the caller's business. If no vote is
	// good the aggregate is the zero value and every place is in bad.
	Combine(set *proofs.ValidatorSet, msg []byte, voters []int, votes [][bls.VoteSize]byte) (agg proofs.Aggregate, bad []int)
	// Verify checks that agg has a canonical bitmap, more than two thirds of the
	// weight of set, and the signers' signature over msg.
	Verify(set *proofs.ValidatorSet, msg []byte, agg *proofs.Aggregate) error
}

// Config is what does not change while a machine lives.
type Config struct {
	Zero   *proofs.Zero   // the network: its id and parameters
	Node   proofs.NodeKey // who we are; whoever is not in the epoch's set observes
	Crypto Crypto
	// Signed looks up what the signing record holds in a slot. The machine abstains
	// from a vote whose slot holds another digest, so that a lost or rolled-back
	// log costs votes and not safety. It may be nil.
	Signed func(kind uint8, epoch, view uint64) (digest proofs.Hash, ok bool)
	// Faults is for internal/sim alone: see there.
	Faults Faults
}

// Faults switches single rules of safety off. It exists so that the simulator can
// show that it notices; nothing else sets it, and a test sees to that. The zero
// value keeps all rules.
type Faults struct {
	CloseTwice bool // says finalize as well as nullify in one view
	SkipViews  bool // accepts a proposal without the nullifications of the views that it skips
	TrustRoots bool // compares no results in headers with its own execution
}

// Anchor is the block that an epoch starts on: the zero block, or the final key
// block of the epoch before. View 0 of the epoch stands for it.
type Anchor struct {
	Epoch  uint64        // the epoch that starts
	ID     proofs.Hash   // of the header; the network id for the zero block
	Header proofs.Header // synthetic for the zero block: see [ZeroAnchor]
	Set    *proofs.ValidatorSet
}

// Start is where a machine starts or starts again.
type Start struct {
	Anchor Anchor // of the epoch that follows or contains LastFinal
	// LastFinal is the newest block that is final and durable at this node, with its
	// certificate; nil if that is the anchor.
	LastFinal *types.FinalBlock
	// Executed holds results of execution, by rising height, the newest last: at
	// least the newest (at first [ZeroExecuted]). Older ones, from LastFinal's
	// Header.Executed on, let the node vote sooner after a restart.
	Executed []types.Executed
	// Records is what the write-ahead log holds, in order.
	Records [][]byte
}

// Input is something that happened. Messages from other nodes carry the
// authenticated sender; the machine keeps the pointers and never changes what they
// point to, and neither may the caller.
type Input interface{ input() }

// ProposalIn is a proposal. It counts only if From leads the view.
type ProposalIn struct {
	From     proofs.NodeKey
	Proposal *types.Proposal
}

// VoteIn is a vote. It counts only if From is the voter.
type VoteIn struct {
	From proofs.NodeKey
	Vote *types.Vote
}

// QuorumIn is a certificate that somebody assembled.
type QuorumIn struct {
	From   proofs.NodeKey
	Quorum *types.Quorum
}

// LaneTip is what the data layer knows of one lane.
type LaneTip struct {
	// Held is the highest car that this node holds durably with all of its lane
	// below; height 0 if there is none.
	Held types.Tip
	// Certified is the highest availability certificate known, verified; nil if
	// there is none.
	Certified *types.CarCertificate
}

// TipsIn replaces what is known of the lanes of an epoch: one entry for each lane
// in order. Another epoch than the machine's is ignored.
type TipsIn struct {
	Epoch uint64
	Tips  []LaneTip
}

// HeldIn answers a [Hold].
type HeldIn struct{ ID proofs.Hash }

// ExecutedIn says that a final block was executed and what that yields.
type ExecutedIn struct{ Executed types.Executed }

// BlockIn answers a [Fetch] by id.
type BlockIn struct {
	From  proofs.NodeKey
	Block *types.Block
}

// FinalBlocksIn answers a catch-up [Fetch]: blocks by rising height, some with
// their certificates, the last of them with one. IDs are not trusted.
type FinalBlocksIn struct {
	From   proofs.NodeKey
	Blocks []types.FinalBlock
}

// TickIn says only that time has passed.
type TickIn struct{}

func (ProposalIn) input()    {}
func (VoteIn) input()        {}
func (QuorumIn) input()      {}
func (TipsIn) input()        {}
func (HeldIn) input()        {}
func (ExecutedIn) input()    {}
func (BlockIn) input()       {}
func (FinalBlocksIn) input() {}
func (TickIn) input()        {}

// Output is what the driver must do, in this order:
//
//  1. Append Records to the log and Votes to the signing record, and sync both.
//     Nothing in Sends or Finals may leave the process before. If the signing
//     record refuses a vote, the process stops: a second node signs with our key.
//  2. With Checkpoint: once Records and all Finals so far are durable, what the
//     log held before this output's Records may be dropped.
//  3. Send Sends, start Holds and Fetches, store Finals and execute them.
//
// Several outputs may be made durable with one sync if their effects are taken in
// order. What Sends point to is shared and read-only; it is to be encoded before
// the next Step.
type Output struct {
	Records    [][]byte
	Votes      []SlotEntry
	Checkpoint bool

	Sends   []Send
	Holds   []Hold
	Fetches []Fetch

	// Finals are the newly final blocks by rising height, each once in the life of
	// a machine. After a restart blocks above Start.LastFinal come again. The driver
	// stores all of an output's at once (the last of them has its certificate, and so
	// has every key block), obtains the cars that it lacks (this node need not have
	// voted for them), and executes them.
	Finals []types.FinalBlock
	// NewEpochs are the anchors of epochs that began, the newest last.
	NewEpochs []Anchor

	Blames   []Blame
	Evidence []Evidence
	// Alarm is set once: certified state contradicts this node's (proofs.ErrRoot) or
	// finality contradicts itself (proofs.ErrEquivocation). The machine has stopped
	// and every later output is empty.
	Alarm error

	// Wake is when to call Step(TickIn{}) at the latest, in ms; 0 is never.
	Wake uint64
}

// Slot kinds of the signing record. Finalize and nullify share one, because a
// validator sends at most one of them in a view.
const (
	SlotNotarize = uint8(proofs.TypeNotarize)
	SlotClose    = uint8(proofs.TypeNullify)
)

// SlotEntry is one vote for the signing record. Digest is SHA-256 of the signed
// bytes.
type SlotEntry struct {
	Kind   uint8
	Epoch  uint64
	View   uint64
	Digest proofs.Hash
}

// Send is one message: to To, or with All to every validator of the epoch but us.
// Msg is a *types.Proposal, *types.Vote or *types.Quorum.
type Send struct {
	To  proofs.NodeKey
	All bool
	Msg any
}

// Hold asks the data layer to hold all that a proposed block orders: every car
// and batch above Base up to Cut, durably, or for a tip its availability certificate.
// What is missing is had from From. Available comes from the proposal and is not
// verified. The answer is [HeldIn]; there is none while something is missing. A hold of an
// epoch that has ended may be dropped.
type Hold struct {
	ID        proofs.Hash
	Epoch     uint64
	From      proofs.NodeKey
	Base, Cut types.Cut
	Available []types.CarCertificate
}

// Fetch asks other nodes for blocks: for the block ID, answered with [BlockIn], or, if
// ID is zero, for final blocks from FromHeight on, answered with [FinalBlocksIn]. To
// lists who may have it, best first. It is asked again if no answer comes.
type Fetch struct {
	ID         proofs.Hash
	FromHeight uint64
	To         []proofs.NodeKey
}

// Blame says that a node sent what no honest node sends.
type Blame struct {
	Node proofs.NodeKey
	Err  error
}

// Evidence is a pair of votes, both signed by Node under Set, that exclude each
// other.
type Evidence struct {
	Node proofs.NodeKey
	Set  proofs.Hash
	A, B types.Vote
}

// Status is what an operator wants to know.
type Status struct {
	Epoch          uint64
	View           uint64
	Leader         proofs.NodeKey // of View
	Validator      bool           // whether this node votes in Epoch
	Height         uint64         // of the newest final block
	HeaderID       proofs.Hash    // its id
	HeaderTime     uint64         // its time, ms
	Notarized      uint64         // height of the newest notarized block known
	Executed       uint64         // newest block executed here
	QuorumExecuted uint64         // newest block that a quorum reports as executed
	ViewTime       uint64         // recent time from work to notarization, ms
	Timeout        uint64         // of the present view, ms
	Nullified      uint64         // views in a row that ended without a block
	Working        bool           // whether there is work that keeps timers running
	Alarm          error
}
