package sim

import (
	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// Bug is one safety rule that the honest nodes of a run do not keep. The checks do
// not know which: they must find out. The zero value is none.
type Bug string

// NoBug keeps all rules.
const NoBug Bug = ""

// The bugs. Where the rule is the driver's, the simulated node breaks it; where a
// machine keeps it, the machine's Faults do.
const (
	BugExclusion      Bug = "exclusion"      // finalize and nullify are both said in one view
	BugGap            Bug = "gap"            // a proposal needs no nullification of the views that it skips
	BugRoots          Bug = "roots"          // proposed results are not compared with own execution
	BugTipsHeld       Bug = "tips-held"      // a proposal is voted for before what it orders is held
	BugSyncBeforeSend Bug = "sync-first"     // messages leave before the disk is synced
	BugSigningRecord  Bug = "signing-record" // votes are in the log alone
	BugCarDurability  Bug = "car-durability" // cars and batches are voted for before they are synced
	BugOvertaking     Bug = "overtaking"     // an output of the ordering core is taken inside the taking of an older one
	BugRefundTwice    Bug = "refund-twice"   // a refund is paid as often as it is due in one block, and once more
	BugSettleNever    Bug = "settle-never"   // an inducted message is not noted as executed
	BugMintUnbacked   Bug = "mint-unbacked"  // value that arrives is not taken from the claim, or is minted twice
)

// BugInfo says where a bug can be seen.
type BugInfo struct {
	Bug      Bug
	Rule     string // what is not kept
	Scenario string // in which the bug shows
}

// Bugs lists the bugs.
func Bugs() []BugInfo {
	return []BugInfo{
		{BugExclusion, "at most one of finalize and nullify in a view", "partitions"},
		{BugGap, "views between the parent's and the proposal's are nullified", "regressor"},
		{BugRoots, "the proposed state root is the one that own execution gave", "liar"},
		{BugTipsHeld, "what a proposal orders is held before it is voted for", "phantom"},
		{BugSyncBeforeSend, "votes are synced before they are sent", "blackouts"},
		{BugSigningRecord, "the signing record refuses a second vote when the log is lost", "lost-log"},
		{BugCarDurability, "cars and batches are synced before they are voted for", "blackouts"},
		{BugOvertaking, "outputs are taken in the order in which they were made", "lossy"},
		{BugRefundTwice, "one refund at most", "linked"},
		{BugSettleNever, "each message is executed once", "linked"},
		{BugMintUnbacked, "vouchers are covered by what is escrowed", "linked"},
	}
}

func (b Bug) is(o Bug) bool { return b == o }

// order is the part of the bug that is in the ordering core.
func (b Bug) order() consensus.Faults {
	return consensus.Faults{CloseTwice: b == BugExclusion, SkipViews: b == BugGap, TrustRoots: b == BugRoots}
}

// mesh wraps the rules between networks with what is wrong with them.
func (b Bug) mesh(rules *mesh.Rules) execution.Mesh {
	switch b {
	case BugRefundTwice:
		return &refundTwice{rules}
	case BugSettleNever:
		return &settleNever{rules}
	case BugMintUnbacked:
		return &mintUnbacked{rules}
	}
	return rules
}

type refundTwice struct{ *mesh.Rules }

// Induct pays each refund twice.
func (m *refundTwice) Induct(st types.State, env execution.Env, work []execution.Work) ([]execution.Note, []proofs.Message, error) {
	notes, refunds, err := m.Rules.Induct(st, env, work)
	return notes, append(refunds, refunds...), err
}

type settleNever struct{ *mesh.Rules }

// Settle forgets what was done.
func (m *settleNever) Settle(types.State, execution.Pending, uint64, []proofs.Outcome) error {
	return nil
}

type mintUnbacked struct{ *mesh.Rules }

// Receive takes the value twice and gives it once more than there is.
func (m *mintUnbacked) Receive(st types.State, env execution.Env, msg *proofs.Message) (proofs.AssetID, proofs.Code, error) {
	if asset, code, err := m.Rules.Receive(st, env, msg); err != nil || code != proofs.CodeOK {
		return asset, code, err
	}
	return m.Rules.Receive(st, env, msg)
}
