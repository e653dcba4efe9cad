package execution

import (
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// accounts handles transfers and refunds: it credits the recipient.
type accounts struct{}

// Gas is that of a transfer, or what was bought if that is less. A refund's is
// not bought: what failed had paid.
func (accounts) Gas(m *proofs.Message) uint64 {
	if m.Kind == proofs.KindRefund {
		return GasTransfer
	}
	return min(m.Gas, GasTransfer)
}

// Handle credits the recipient. A transfer must be in time, have gas, name a
// recipient and carry a bounded memo; a refund is owed whatever happened.
func (a accounts) Handle(st types.State, env Env, m *proofs.Message, asset proofs.AssetID) (gas uint64, code proofs.Code, err error) {
	gas = a.Gas(m)
	if code := a.check(env, m); code != proofs.CodeOK {
		return gas, code, nil
	}
	ok, err := credit(st, m.Recipient, asset, m.Amount)
	if err == nil && !ok {
		code = proofs.CodeOverflow
	}
	return gas, code, err
}

func (accounts) check(env Env, m *proofs.Message) proofs.Code {
	switch {
	case m.Kind == proofs.KindRefund:
		return proofs.CodeOK
	case m.Kind != proofs.KindTransfer || len(m.Payload) > proofs.MaxMemo || m.Amount.IsZero():
		return proofs.CodeMalformed
	case env.Time > m.Deadline:
		return proofs.CodeDeadline
	case m.Gas < GasTransfer:
		return proofs.CodeOutOfGas
	case m.Recipient == proofs.AccountID{}:
		return proofs.CodeNoRecipient
	}
	return proofs.CodeOK
}
