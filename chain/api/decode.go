package api

import (
	"fmt"
	"strings"
	"unicode"

	v1 "github.com/isthmus-network/isthmus/chain/api/isthmus/v1"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// What a client takes from a node, which may be anybody's: every list and text is
// bounded, and text is made safe to print.

// Bounds of single objects.
const (
	maxText           = 1024 // bytes of one text
	maxName           = 64   // bytes of a name
	maxReceiptBytes   = 1 << 20
	maxAdmissionBytes = 4096
	maxValidatorBytes = 512
	maxValueBytes     = 1 << 20 // one state value
)

// printable cuts s to limit bytes and replaces what a terminal could obey.
func printable(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func count(what string, got, limit int) error {
	if got > limit {
		return fmt.Errorf("%w: got %d %s, want at most %d", ErrProof, got, what, limit)
	}
	return nil
}

func oddAnswer(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrProof, what, err)
}

func hashFrom(what, s string) (proofs.Hash, error) {
	h, err := proofs.ParseHash(s)
	if err != nil {
		return h, oddAnswer(what, err)
	}
	return h, nil
}

// id32 reads hexadecimal into any of the 32-byte names.
func id32[T ~[32]byte](dst *T, what, s string) error {
	h, err := hashFrom(what, s)
	*dst = T(h)
	return err
}

func parametersFromWire(w *v1.Parameters) (p proofs.Parameters, err error) {
	if w.GetDecimals() > 255 {
		return p, fmt.Errorf("%w: got %d decimals, want at most 255", ErrProof, w.GetDecimals())
	}
	p = proofs.Parameters{
		Name: w.GetName(), Symbol: w.GetSymbol(), Decimals: uint8(w.GetDecimals()),
		EpochDuration: w.GetEpochMs(), TrustPeriod: w.GetTrustPeriodMs(), MaxClockDrift: w.GetMaxClockDriftMs(),
		Heartbeat: w.GetHeartbeatMs(), ViewTimeout: w.GetViewTimeoutMs(), MaxLag: w.GetMaxLag(),
		ExpiryWindow: w.GetExpiryWindowS(), MessageLifetime: w.GetMessageLifetimeMs(),
		BlockMessages: w.GetBlockMessages(), BlockGas: w.GetBlockGas(),
		BaseFee: w.GetBaseFee(), ByteFee: w.GetByteFee(), GasPrice: w.GetGasPrice(),
		LinkWindow: w.GetLinkWindow(), MaxPayload: w.GetMaxPayload(),
		ThresholdNum: w.GetGovernanceNumerator(), ThresholdDen: w.GetGovernanceDenominator(),
	}
	if err := p.Validate(); err != nil {
		return p, oddAnswer("info", err)
	}
	return p, nil
}

func infoFromWire(w *v1.InfoResponse) (*Info, error) {
	i := &Info{
		Validator: int(w.Validator), Validators: int(w.Validators), Version: printable(w.Version, maxName), Protocol: w.Protocol,
		Epoch: w.Epoch, View: w.View, Height: w.Height, Executed: w.Executed,
		Certified: w.Certified, Proved: w.CertifiedExecuted, KeyBlocks: w.KeyBlocks,
		Peers: int(w.Peers), Started: w.StartedMs,
	}
	if err := count("addresses", len(w.Listen), MaxAddrs); err != nil {
		return nil, err
	}
	for _, a := range w.Listen {
		i.Listen = append(i.Listen, printable(a, maxText))
	}
	if err := id32(&i.Network, "network", w.Network); err != nil {
		return nil, err
	}
	if err := id32(&i.Node, "node key", w.Node); err != nil {
		return nil, err
	}
	var err error
	i.Parameters, err = parametersFromWire(w.Parameters)
	return i, err
}

func stageFrom(s v1.Stage) (Stage, error) {
	if s < v1.Stage_STAGE_RECEIVED || s > v1.Stage_STAGE_EXPIRED {
		return 0, fmt.Errorf("%w: unknown stage %d", ErrProof, s)
	}
	return Stage(s), nil
}

func statusFromWire(w *v1.StatusResponse) (*Status, error) {
	s := &Status{Height: w.Height, Code: proofs.Code(w.Code)}
	var err error
	if s.ID, err = hashFrom("message id", w.Id); err != nil {
		return nil, err
	}
	s.Stage, err = stageFrom(w.Stage)
	return s, err
}

func accountFromWire(w *v1.AccountResponse) (*Account, error) {
	a := &Account{More: w.More, Executed: w.Executed}
	if err := count("balances", len(w.Balances), MaxBalances); err != nil {
		return nil, err
	}
	if err := id32(&a.Account, "account", w.Account); err != nil {
		return nil, err
	}
	for _, wb := range w.Balances {
		var b Balance
		if err := b.Asset.UnmarshalText([]byte(wb.Asset)); err != nil {
			return nil, oddAnswer("balance", err)
		}
		if err := b.Amount.UnmarshalText([]byte(wb.Amount)); err != nil {
			return nil, oddAnswer("balance", err)
		}
		a.Balances = append(a.Balances, b)
	}
	return a, nil
}

func stepsFromWire(ws []*v1.Step) ([]Step, error) {
	if err := count("steps", len(ws), MaxSteps); err != nil {
		return nil, err
	}
	steps := make([]Step, 0, len(ws))
	for _, w := range ws {
		s := Step{Name: printable(w.Name, maxName), Time: w.TimeMs, Height: w.Height, Detail: printable(w.Detail, maxText)}
		if p := w.GetProof(); p != nil && p.Kind >= 0 && p.Kind <= v1.ProofKind_PROOF_KIND_STATE {
			s.Proof = ProofHint{Kind: ProofKind(p.Kind), Height: p.Height, Index: p.Index}
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func emittedFromWire(w *v1.Emitted) (e Emitted, err error) {
	e.Ref.Incarnation, e.Ref.Index = w.Incarnation, w.Index
	if err = id32(&e.Ref.Destination, "destination", w.Destination); err != nil {
		return e, err
	}
	if e.Ref.ID, err = hashFrom("message id", w.Id); err != nil {
		return e, err
	}
	e.Steps, err = stepsFromWire(w.Steps)
	return e, err
}

func traceFromWire(w *v1.TraceResponse) (*Trace, error) {
	t := &Trace{Code: proofs.Code(w.Code), Done: w.Done}
	if err := count("emitted messages", len(w.Emitted), MaxSteps); err != nil {
		return nil, err
	}
	if err := id32(&t.Network, "network", w.Network); err != nil {
		return nil, err
	}
	var err error
	if t.ID, err = hashFrom("message id", w.Id); err != nil {
		return nil, err
	}
	if t.Steps, err = stepsFromWire(w.Steps); err != nil {
		return nil, err
	}
	for _, we := range w.Emitted {
		e, err := emittedFromWire(we)
		if err != nil {
			return nil, err
		}
		t.Emitted = append(t.Emitted, e)
	}
	return t, nil
}

func headerFromWire(b []byte) (*proofs.CertifiedHeader, error) {
	var h proofs.CertifiedHeader
	if err := proofs.Decode(&h, b, proofs.MaxCertifiedHeaderBytes); err != nil {
		return nil, oddAnswer("certified header", err)
	}
	return &h, nil
}

func zeroFromWire(w *v1.ZeroResponse) (*proofs.ZeroHeader, error) {
	var z proofs.ZeroHeader
	if err := proofs.Decode(&z, w.ZeroHeader, proofs.MaxZeroBytes); err != nil {
		return nil, oddAnswer("zero-header", err)
	}
	return &z, nil
}

func keyBlocksFromWire(w *v1.KeyBlocksResponse) ([]proofs.KeyBlock, error) {
	if err := count("key blocks", len(w.KeyBlocks), MaxKeyBlocks); err != nil {
		return nil, err
	}
	blocks := make([]proofs.KeyBlock, len(w.KeyBlocks))
	for i, b := range w.KeyBlocks {
		if err := proofs.Decode(&blocks[i], b, proofs.MaxKeyBlockBytes); err != nil {
			return nil, oddAnswer("key block", err)
		}
	}
	return blocks, nil
}

func proofFromWire(w *v1.ProveResponse, keys [][]byte) (*StateProof, error) {
	if len(w.Entries) != len(keys) {
		return nil, fmt.Errorf("%w: got %d entries, want %d", ErrProof, len(w.Entries), len(keys))
	}
	h, err := headerFromWire(w.CertifiedHeader)
	if err != nil {
		return nil, err
	}
	p := &StateProof{Header: *h}
	for i, e := range w.Entries {
		if string(e.Key) != string(keys[i]) || len(e.Value) > maxValueBytes || !e.Present && len(e.Value) > 0 {
			return nil, fmt.Errorf("%w: entry %d: got key %q with %d bytes, want key %q", ErrProof, i, e.Key[:min(len(e.Key), MaxKeyBytes)], len(e.Value), keys[i])
		}
		proof, err := merkle.ParseTrieProof(e.Proof)
		if err != nil {
			return nil, oddAnswer("state proof", err)
		}
		p.Entries = append(p.Entries, ProvedEntry{Key: e.Key, Value: e.Value, Present: e.Present, Proof: proof})
	}
	return p, nil
}

func hashesFromWire(ws [][]byte) ([]proofs.Hash, error) {
	if err := count("hashes", len(ws), 128); err != nil {
		return nil, err
	}
	hs := make([]proofs.Hash, len(ws))
	for i, w := range ws {
		if len(w) != len(hs[i]) {
			return nil, fmt.Errorf("%w: got a hash of %d bytes, want %d", ErrProof, len(w), len(hs[i]))
		}
		copy(hs[i][:], w)
	}
	return hs, nil
}

func receiptsFromWire(w *v1.ReceiptsResponse, from uint64) (*ReceiptPage, error) {
	if err := count("receipts", len(w.Receipts), MaxReceipts); err != nil {
		return nil, err
	}
	h, err := headerFromWire(w.CertifiedHeader)
	if err != nil {
		return nil, err
	}
	p := &ReceiptPage{Header: *h, From: from, Receipts: make([]proofs.Receipt, len(w.Receipts))}
	if p.Left, err = hashesFromWire(w.Left); err != nil {
		return nil, err
	}
	if p.Right, err = hashesFromWire(w.Right); err != nil {
		return nil, err
	}
	for i, b := range w.Receipts {
		if err := proofs.Decode(&p.Receipts[i], b, maxReceiptBytes); err != nil {
			return nil, oddAnswer("receipt", err)
		}
	}
	return p, nil
}

func linkFromWire(w *v1.Link) (l Link, err error) {
	l = Link{
		Name: printable(w.Name, maxName), Symbol: printable(w.Symbol, maxName), Decimals: uint8(min(w.Decimals, 255)),
		State: printable(w.State, maxName), Reason: printable(w.Reason, maxText), Incarnation: w.Incarnation,
		Epoch: w.Epoch, KeyHeight: w.KeyHeight, HeaderTime: w.HeaderTimeMs, TrustExpiry: w.TrustExpiryMs,
		OutBegin: w.OutBegin, OutEnd: w.OutEnd, OutAcked: w.OutAcked, OutSettled: w.OutSettled,
		InAcked: w.InAcked, InSettled: w.InSettled, Outcomes: w.Outcomes,
		OldestPending: w.OldestPendingMs, FollowerError: printable(w.FollowerError, maxText), Addresses: int(w.Addresses),
	}
	return l, id32(&l.Peer, "peer", w.Peer)
}

func actFromWire(w *v1.Act) (a ActState, err error) {
	a = ActState{State: printable(w.State, maxName), Weight: w.Weight, Total: w.Total, Code: proofs.Code(w.Code)}
	if err := count("approvals", len(w.Approvals), proofs.MaxValidators); err != nil {
		return a, err
	}
	if err := proofs.Decode(&a.Act, w.Act, types.MaxActBytes); err != nil {
		return a, oddAnswer("act", err)
	}
	if a.ID, err = hashFrom("act id", w.Id); err != nil {
		return a, err
	}
	if a.ID != a.Act.ID() {
		return a, fmt.Errorf("%w: act of id %x came as %s", ErrProof, a.Act.ID(), w.Id)
	}
	a.Act.NetworkKind = printable(a.Act.NetworkKind, maxName)
	for _, p := range w.Approvals {
		ap := Approval{Weight: p.Weight}
		if err := id32(&ap.Node, "node key", p.Node); err != nil {
			return a, err
		}
		a.Approvals = append(a.Approvals, ap)
	}
	return a, nil
}

func eventFromWire(w *v1.WatchResponse) (*Event, error) {
	if w.Kind != v1.EventKind_EVENT_KIND_FINAL && w.Kind != v1.EventKind_EVENT_KIND_CERTIFIED {
		return nil, fmt.Errorf("%w: unknown kind of event %d", ErrProof, w.Kind)
	}
	return &Event{Kind: EventKind(w.Kind), Height: w.Height, Time: w.TimeMs, Items: int(w.Items)}, nil
}
