package api

import (
	"context"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Backend is what the node service serves. All methods may be called at the same
// time from many goroutines, return when ctx ends, and must not keep or change
// their arguments. What they return is not changed afterwards by either side.
//
// Errors are wrapped kinds of this package (errors.go) or of proofs; any other
// error is internal: it is logged, and the client is told no more than that.
type Backend interface {
	// Info describes the node and its network.
	Info(ctx context.Context) (*Info, error)
	// Submit admits an external message in its wire form, of at most
	// types.MaxExternalBytes. Errors: ErrInvalid, ErrDuplicate, ErrExpired,
	// ErrRefused, ErrBusy.
	Submit(ctx context.Context, wire []byte) (*Admission, error)
	// Status says how far a message has come; ErrNotFound if it is not known here.
	Status(ctx context.Context, id proofs.Hash) (*Status, error)
	// WatchStatus calls fn, from one goroutine, with the present status and after
	// each change, skipping stages if fn is slow. It returns the error of fn, or nil
	// once the stage can change no more. ErrNotFound as for Status.
	WatchStatus(ctx context.Context, id proofs.Hash, fn func(Status) error) error
	// Account lists balances as of the newest executed block. An account that
	// nothing is known of has none; that is no error.
	Account(ctx context.Context, account proofs.AccountID) (*Account, error)
	// Trace lists what this node saw happen to an external message, or to a message
	// by its id. ErrNotFound.
	Trace(ctx context.Context, id proofs.Hash) (*Trace, error)
	// TraceMessage is Trace for a message that came from another network, by its
	// place in that network's queue. ErrNotFound until it is known here.
	TraceMessage(ctx context.Context, source proofs.NetworkID, incarnation, index uint64) (*Trace, error)
	// Header returns the certified header of that height, and for 0 the newest.
	// ErrNotFound.
	Header(ctx context.Context, height uint64) (*proofs.CertifiedHeader, error)
	// Zero returns the network's zero-header.
	Zero(ctx context.Context) (*proofs.ZeroHeader, error)
	// KeyBlocks returns at most limit key blocks whose height is at least from, in
	// order. None is no error.
	KeyBlocks(ctx context.Context, from uint64, limit int) ([]proofs.KeyBlock, error)
	// Prove shows what the state holds under each key, all of it as of the Executed
	// block of one certified header. ErrUnavailable before the first one.
	Prove(ctx context.Context, keys [][]byte) (*StateProof, error)
	// Receipts returns at most limit receipts from that index on, and what shows
	// that they are in the log of one certified header. A from beyond the log is
	// ErrNotFound; a from at its end gives none.
	Receipts(ctx context.Context, from uint64, limit int) (*ReceiptPage, error)
	// Slice returns at most limit messages of the outbound queue for peer, from that
	// index on. ErrNotFound if there is no such queue or from lies outside it.
	Slice(ctx context.Context, peer proofs.NetworkID, from uint64, limit int) (*proofs.Slice, error)
	// Message returns one message of the outbound queue for peer with what shows it
	// under one certified header. ErrNotFound if it was never sent, is not certified
	// yet, or is released and forgotten.
	Message(ctx context.Context, peer proofs.NetworkID, index uint64) (*MessageProof, error)
	// Unexecuted shows that no external message with this body and expiry (seconds)
	// was executed. ErrUnavailable before its expiry is past in a certified state,
	// ErrRefused if it was executed.
	Unexecuted(ctx context.Context, body proofs.Hash, expiry uint64) (*UnexecutedProof, error)
	// Links describes the link to each registered peer, in order of peers.
	Links(ctx context.Context) ([]Link, error)
	// Validators describes the validator set in office and the one that governance
	// chose, as of the newest executed block.
	Validators(ctx context.Context) (*Membership, error)
	// Watch calls fn, from one goroutine, for each block that becomes final and for
	// each that becomes certified from now on, until ctx ends or fn fails; it then
	// returns that error. A slow fn misses events; it never delays the node.
	Watch(ctx context.Context, fn func(Event) error) error
}

// Admin is what the admin service serves: what only the node's operator may do.
// The rules of [Backend] about concurrency and errors hold.
type Admin interface {
	// Propose starts an act of governance, which this validator thereby approves.
	// The node fills in network, epoch, sequence and, if it is zero, the expiry; and
	// the keys of a validator that changes nothing but its weight.
	// It returns the act's id. Errors: ErrInvalid, ErrRefused, ErrUnavailable.
	Propose(ctx context.Context, act types.Act) (proofs.Hash, error)
	// Approve adds this validator's approval. Errors: ErrNotFound, ErrExpired,
	// ErrRefused.
	Approve(ctx context.Context, id proofs.Hash) error
	// Acts lists the acts that are open or were closed lately, oldest first.
	Acts(ctx context.Context) ([]ActState, error)
	// SetPeers adds addresses (multiaddrs with a peer id) at which nodes of a peer
	// network, or of this one, are reached, and keeps them over restarts. ErrInvalid.
	SetPeers(ctx context.Context, network proofs.NetworkID, addrs []string) error
}
