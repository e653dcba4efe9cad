package api

import (
	"fmt"
	"strings"
)

var stageNames = [...]string{StageReceived: "received", StageBatched: "batched", StageAcknowledged: "acknowledged",
	StageOrdered: "ordered", StageExecuted: "executed", StageCertified: "certified", StageExpired: "expired"}

// String names the stage.
func (s Stage) String() string {
	if s == 0 || int(s) >= len(stageNames) {
		return fmt.Sprintf("stage %d", uint8(s))
	}
	return stageNames[s]
}

// MarshalText writes the stage's name.
func (s Stage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a stage's name. ErrInvalid.
func (s *Stage) UnmarshalText(b []byte) error {
	v, err := ParseStage(string(b))
	*s = v
	return err
}

// ParseStage reads a stage's name. ErrInvalid.
func ParseStage(name string) (Stage, error) {
	for i, n := range stageNames {
		if n == name && n != "" {
			return Stage(i), nil
		}
	}
	return 0, fmt.Errorf("%w: got stage %.40q, want one of %s", ErrInvalid, name, strings.Join(stageNames[1:], ", "))
}

// String says what shows a step.
func (p ProofHint) String() string {
	switch p.Kind {
	case ProofHeader:
		return fmt.Sprintf("header %d", p.Height)
	case ProofReceipt:
		return fmt.Sprintf("receipt %d under header %d", p.Index, p.Height)
	case ProofQueue:
		return fmt.Sprintf("queue entry %d under header %d", p.Index, p.Height)
	case ProofHead:
		return fmt.Sprintf("queue head under header %d", p.Height)
	case ProofState:
		return fmt.Sprintf("state under header %d", p.Height)
	}
	return "-"
}

var proofNames = [...]string{ProofNone: "none", ProofHeader: "header", ProofReceipt: "receipt", ProofQueue: "queue",
	ProofHead: "queue head", ProofState: "state"}

// MarshalText writes the kind's name.
func (k ProofKind) MarshalText() ([]byte, error) {
	if int(k) >= len(proofNames) {
		return nil, fmt.Errorf("%w: kind of proof %d", ErrInternal, k)
	}
	return []byte(proofNames[k]), nil
}

// MarshalText writes the kind's name.
func (k EventKind) MarshalText() ([]byte, error) {
	if k == EventCertified {
		return []byte("certified"), nil
	}
	return []byte("final"), nil
}
