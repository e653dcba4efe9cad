package proofs

// Error is a constant error kind. Verifiers wrap it with what they got and what
// they wanted; callers use errors.Is.
type Error string

func (e Error) Error() string { return string(e) }

// The error kinds, by what the caller does about them.
//
// Drop and blame the sender: the bytes can never be valid.
const (
	ErrMalformed   Error = "malformed"
	ErrNotCanon    Error = "not canonical"
	ErrTooLarge    Error = "too large"
	ErrNetwork     Error = "wrong network"
	ErrSet         Error = "wrong validator set"
	ErrSigner      Error = "bad signer bitmap"
	ErrQuorum      Error = "quorum not reached"
	ErrSignature   Error = "bad signature"
	ErrPossession  Error = "bad proof of possession"
	ErrWeight      Error = "bad weight"
	ErrRoot        Error = "root mismatch"
	ErrBranch      Error = "bad branch"
	ErrIndex       Error = "bad index"
	ErrLink        Error = "bad header link"
	ErrTime        Error = "bad time"
	ErrDestination Error = "wrong destination"
	ErrIncarnation Error = "wrong incarnation"
)

// Keep, and wait or ask for more: the bytes may be valid for somebody who knows
// more, or knew it earlier.
const (
	ErrEpoch   Error = "epoch not followed"
	ErrStale   Error = "already superseded"
	ErrGap     Error = "gap before the first message"
	ErrExpired Error = "trust expired"
	ErrVersion Error = "unknown protocol version"
	ErrClock   Error = "time ahead of the local clock"
)

// Stop and alarm: two valid statements contradict each other.
const (
	ErrDiverged     Error = "peer history diverged"
	ErrEquivocation Error = "two certified headers at one height"
)
