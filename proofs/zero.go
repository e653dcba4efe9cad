package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"fmt"
	"regexp"
)

// Version is the protocol version that this package implements. A header of
// another version is ErrVersion: its peer lags or we do.
const Version = 1

// Parameters are a network's constants, fixed by its zero-state. Durations are
// in milliseconds unless the name says otherwise.
type Parameters struct {
	Name            string `canoto:"string,1" json:"name"`
	Symbol          string `canoto:"string,2" json:"symbol"`
	Decimals        uint8  `canoto:"uint,3" json:"decimals"`
	EpochDuration   uint64 `canoto:"uint,4" json:"epoch_ms"`
	TrustPeriod     uint64 `canoto:"uint,5" json:"trust_period_ms"`
	MaxClockDrift   uint64 `canoto:"uint,6" json:"max_clock_drift_ms"`
	Heartbeat       uint64 `canoto:"uint,7" json:"heartbeat_ms"`
	ViewTimeout     uint64 `canoto:"uint,8" json:"view_timeout_ms"`
	MaxLag          uint64 `canoto:"uint,9" json:"max_lag"`                 // most blocks between a header and the execution it certifies
	ExpiryWindow    uint64 `canoto:"uint,10" json:"expiry_window_s"`        // seconds that an external message may live
	MessageLifetime uint64 `canoto:"uint,11" json:"message_lifetime_ms"`    // default deadline of a message
	BlockMessages   uint64 `canoto:"uint,12" json:"block_messages"`         // most messages handled in a block
	BlockGas        uint64 `canoto:"uint,13" json:"block_gas"`              // most gas used in a block
	BaseFee         uint64 `canoto:"uint,14" json:"base_fee"`               // units for each external message
	ByteFee         uint64 `canoto:"uint,15" json:"byte_fee"`               // units for each byte of an external message
	GasPrice        uint64 `canoto:"uint,16" json:"gas_price"`              // units for each gas used at home
	LinkWindow      uint64 `canoto:"uint,17" json:"link_window"`            // most unsettled messages in one outbound queue; at most MaxOutcomes
	MaxPayload      uint64 `canoto:"uint,18" json:"max_payload"`            // bytes in a message
	ThresholdNum    uint32 `canoto:"uint,19" json:"governance_numerator"`   // governance wants more than max(2/3, num/den)
	ThresholdDen    uint32 `canoto:"uint,20" json:"governance_denominator"` //

	canotoData canotoData_Parameters
}

var (
	namePattern   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	symbolPattern = regexp.MustCompile(`^[A-Z][A-Z0-9]{0,11}$`)
)

// Validate checks the ranges that every network must keep.
func (p *Parameters) Validate() error {
	bad := func(what string, got any) error {
		return fmt.Errorf("parameters: %s: got %v: %w", what, got, ErrMalformed)
	}
	switch {
	case !namePattern.MatchString(p.Name):
		return bad("name", p.Name)
	case !symbolPattern.MatchString(p.Symbol):
		return bad("symbol", p.Symbol)
	case p.Decimals > 30:
		return bad("decimals", p.Decimals)
	case p.EpochDuration == 0 || p.EpochDuration > p.TrustPeriod/4:
		return bad("epoch duration (at most a quarter of the trust period)", p.EpochDuration)
	case p.MaxClockDrift == 0 || p.MaxClockDrift > p.TrustPeriod/4:
		return bad("clock drift", p.MaxClockDrift)
	case p.Heartbeat == 0 || p.Heartbeat > p.EpochDuration:
		return bad("heartbeat", p.Heartbeat)
	case p.ViewTimeout == 0 || p.MaxLag == 0 || p.MaxLag > 1<<16:
		return bad("view timeout or lag bound", [2]uint64{p.ViewTimeout, p.MaxLag})
	case p.ExpiryWindow == 0 || p.ExpiryWindow > 1<<20 || p.MessageLifetime == 0:
		return bad("expiry window or message lifetime", [2]uint64{p.ExpiryWindow, p.MessageLifetime})
	case p.BlockMessages == 0 || p.BlockGas == 0 || p.LinkWindow == 0 || p.LinkWindow > MaxOutcomes || p.MaxPayload > MaxPayload:
		return bad("block or link limits", [4]uint64{p.BlockMessages, p.BlockGas, p.LinkWindow, p.MaxPayload})
	case p.ThresholdDen == 0 || p.ThresholdNum >= p.ThresholdDen:
		return bad("governance threshold", [2]uint32{p.ThresholdNum, p.ThresholdDen})
	}
	return nil
}

// layout lists the parameters in the order of their fields; the two strings carry
// their length.
func (p *Parameters) layout(l *Layout) {
	l.Var([]byte(p.Name)).Var([]byte(p.Symbol)).U8(p.Decimals)
	for _, v := range [...]uint64{p.EpochDuration, p.TrustPeriod, p.MaxClockDrift, p.Heartbeat, p.ViewTimeout, p.MaxLag,
		p.ExpiryWindow, p.MessageLifetime, p.BlockMessages, p.BlockGas, p.BaseFee, p.ByteFee, p.GasPrice, p.LinkWindow, p.MaxPayload} {
		l.U64(v)
	}
	l.U32(p.ThresholdNum).U32(p.ThresholdDen)
}

// MaxZeroBytes bounds the wire form of a zero-header: MaxValidators members of 195
// bytes, and its other fields.
const MaxZeroBytes = 256 << 10

// ZeroHeader is block 0 of a network, trusted without a certificate because its
// hash is the network's id.
type ZeroHeader struct {
	Version    uint32      `canoto:"uint,1"`
	Time       uint64      `canoto:"uint,2"` // milliseconds since the Unix epoch
	Parameters Parameters  `canoto:"value,3"`
	Validators []Validator `canoto:"repeated value,4"`
	StateRoot  Hash        `canoto:"fixed bytes,5"`

	canotoData canotoData_ZeroHeader
}

// Zero is a checked zero-header: its parameters are in range, its set is a set,
// and its id is known.
type Zero struct {
	ZeroHeader
	ID  NetworkID
	Set *ValidatorSet
}

// Check validates z and computes its id:
// SHA-256 of version ‖ time ‖ parameters ‖ set hash ‖ state root.
func (z *ZeroHeader) Check() (*Zero, error) {
	if z.Version != Version {
		return nil, fmt.Errorf("zero-header: got version %d, want %d: %w", z.Version, Version, ErrVersion)
	}
	if err := z.Parameters.Validate(); err != nil {
		return nil, fmt.Errorf("zero-header: %w", err)
	}
	if z.StateRoot == (Hash{}) || z.Time == 0 {
		return nil, fmt.Errorf("zero-header: state root and time must not be zero: %w", ErrRoot)
	}
	set, err := NewValidatorSet(z.Validators)
	if err != nil {
		return nil, fmt.Errorf("zero-header: %w", err)
	}
	return &Zero{ZeroHeader: *z, ID: z.id(set), Set: set}, nil
}

func (z *ZeroHeader) id(set *ValidatorSet) NetworkID {
	l := NewLayout(HomeNetwork, TypeZeroHeader).U32(z.Version).U64(z.Time)
	z.Parameters.layout(l)
	return NetworkID(l.Hash(set.layout().Sum()).Hash(z.StateRoot).Sum())
}

// CheckID is Check for a reader who knows the id already: another network's
// zero-header costs it one hash.
func (z *ZeroHeader) CheckID(id NetworkID) (*Zero, error) {
	if got := z.id(&ValidatorSet{members: z.Validators}); got != id {
		return nil, fmt.Errorf("zero-header: got id %s, want %s: %w", got, id, ErrNetwork)
	}
	return z.Check()
}
