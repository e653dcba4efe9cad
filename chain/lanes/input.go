package lanes

import (
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Input is one of the types below. Only the fields of messages are checked; what
// the node itself says (OwnBatch, BatchStored, Hold.Base, Final, EpochIn) is
// believed.
type Input interface{ input() }

// OwnBatch gives a batch of this node, already durable here and on its way to the
// others, to be carried in its lane.
type OwnBatch struct{ Digest proofs.Hash }

// BatchStored says that a batch is durable here now. From is who streamed it, and
// is charged for batches that no car ever names; zero for one that was fetched.
type BatchStored struct {
	Digest proofs.Hash
	From   proofs.NodeKey
}

// CarIn is a car from the network: sent by its owner, or fetched.
type CarIn struct {
	From proofs.NodeKey
	Car  types.Car
}

// CarVoteIn is a vote for a car of this node's lane.
type CarVoteIn struct {
	From proofs.NodeKey
	Vote types.CarVote
}

// CertificateIn is an availability certificate.
type CertificateIn struct {
	From proofs.NodeKey
	Cert types.CarCertificate
}

// Hold asks to be told, in [Output.Held], once all cars and batches between Base
// and Cut are durable here, or certified to be held by an honest node. Base is the
// parent's cut; Cut must extend it. From proposed the cut and is asked for what is
// missing; Available are certificates that came along.
type Hold struct {
	ID        proofs.Hash
	From      proofs.NodeKey
	Base      types.Cut
	Cut       types.Cut
	Available []types.CarCertificate
}

// Drop ends the wait for a hold.
type Drop struct{ ID proofs.Hash }

// Final gives the next final block, with its parent's cut (the epoch's empty cut
// for the first block after an anchor). Heights rise by one.
//
// The Final and EpochIn inputs that come before any other input replay what was
// final before the start: nothing is signed or sent meanwhile.
type Final struct {
	Block types.FinalBlock
	Base  types.Cut
}

// EpochIn starts the next epoch, after the Final of the key block that ends the
// present one.
type EpochIn struct {
	Epoch uint64
	Set   *proofs.ValidatorSet
}

// TickIn lets time pass; due at [Output.Wake] at the latest.
type TickIn struct{}

func (OwnBatch) input()      {}
func (BatchStored) input()   {}
func (CarIn) input()         {}
func (CarVoteIn) input()     {}
func (CertificateIn) input() {}
func (Hold) input()          {}
func (Drop) input()          {}
func (Final) input()         {}
func (EpochIn) input()       {}
func (TickIn) input()        {}
