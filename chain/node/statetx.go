package node

import (
	"errors"

	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// stateTx is the state of a running block: types.State over a transaction of
// chain/state.
type stateTx struct {
	*state.Tx
	marks []state.Mark
}

var _ types.State = (*stateTx)(nil)

// Snapshot implements types.State.
func (t *stateTx) Snapshot() int {
	t.marks = append(t.marks, t.Tx.Snapshot())
	return len(t.marks) - 1
}

// Revert implements types.State.
func (t *stateTx) Revert(mark int) {
	t.Tx.Revert(t.marks[mark])
	t.marks = t.marks[:mark+1]
}

// LogInfo implements types.State.
func (t *stateTx) LogInfo(name string) (types.LogInfo, error) {
	l, err := t.Log(name)
	if err != nil {
		return types.LogInfo{}, err
	}
	return types.LogInfo{Begin: l.Begin(), Range: l.Peaks()}, nil
}

// AppendLog implements types.State.
func (t *stateTx) AppendLog(name string, leaf merkle.Hash, entry []byte) (uint64, error) {
	l, err := t.Log(name)
	if err != nil {
		return 0, err
	}
	return l.AppendLeaf(leaf, entry)
}

// LogEntry implements types.State.
func (t *stateTx) LogEntry(name string, index uint64) ([]byte, error) {
	l, err := t.Log(name)
	if err != nil {
		return nil, err
	}
	return l.Entry(index)
}

// SetLogBegin implements types.State.
func (t *stateTx) SetLogBegin(name string, begin uint64) error {
	l, err := t.Log(name)
	if err != nil {
		return err
	}
	return l.SetBegin(begin)
}

// view is the state after an executed block, as rules read it.
type view struct{ *state.View }

// LogInfo describes a log; one that never was appended to is empty.
func (v view) LogInfo(name string) (types.LogInfo, error) {
	info, ok, err := v.View.LogInfo(name)
	if err != nil || !ok {
		return types.LogInfo{}, err
	}
	return types.LogInfo{Begin: info.Begin, Range: info.Peaks}, nil
}

// viewAt returns the state after the block at height.
func (n *Node) viewAt(height uint64) (view, error) {
	v, err := n.state.At(height)
	return view{v}, err
}

// newest returns the state after the newest executed block. The version cannot be
// pruned so soon; it is read again if it is.
func (n *Node) newest() (view, error) {
	for {
		v, err := n.viewAt(n.state.Version())
		if !errors.Is(err, state.ErrPruned) {
			return v, err
		}
	}
}
