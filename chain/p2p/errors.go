package p2p

import "errors"

// Errors are classed by what the caller does about them; test with errors.Is.
var (
	// ErrNotConnected: no connection to the peer now. Wait for Watch to report it, or ask another.
	ErrNotConnected = errors.New("p2p: not connected")
	// ErrQueueFull: the peer reads slower than we send; this message was dropped.
	ErrQueueFull = errors.New("p2p: send queue full")
	// ErrTooLarge: a message, request or response exceeds the size its class or protocol allows.
	ErrTooLarge = errors.New("p2p: too large")
	// ErrNotAllowed: one of the two sides is not a validator in the other's eyes, and the traffic is for validators only.
	ErrNotAllowed = errors.New("p2p: not allowed")
	// ErrBusy: the other side has as many requests of this protocol under way as it takes. Retry later or elsewhere. A
	// request handler may return it as well.
	ErrBusy = errors.New("p2p: busy")
	// ErrRemote wraps the error text of the other side's request handler, which is hostile input: bounded and quoted.
	ErrRemote = errors.New("p2p: remote error")
	// ErrIgnore is returned (or wrapped) by a gossip validator to drop a message without blaming who relayed it.
	ErrIgnore = errors.New("p2p: ignore")
	// ErrRejected: Publish was given a message that pubsub refuses.
	ErrRejected = errors.New("p2p: message rejected")
	// ErrNotJoined: Publish to a topic that was not joined.
	ErrNotJoined = errors.New("p2p: topic not joined")
	// ErrJoined: the topic was joined before.
	ErrJoined = errors.New("p2p: topic already joined")
	// ErrClosed: the host is closed or closing.
	ErrClosed = errors.New("p2p: host closed")
	// ErrConfig: a configuration or address that cannot be used.
	ErrConfig = errors.New("p2p: bad configuration")
)
