package api

import (
	"context"

	"connectrpc.com/connect"

	v1 "github.com/isthmus-network/isthmus/chain/api/isthmus/v1"
	"github.com/isthmus-network/isthmus/proofs"
)

// MessageProof shows one message of an outbound queue under Header.
type MessageProof struct {
	Header proofs.CertifiedHeader
	Claim  proofs.MessageClaim
}

// UnexecutedProof shows, under Header, that an external message was not executed
// and never will be.
type UnexecutedProof struct {
	Header proofs.CertifiedHeader
	Claim  proofs.BodyAbsenceClaim
}

const maxClaimBytes = 1 << 20 // a message with its head, or an absence with its neighbours

func (s *nodeService) Message(ctx context.Context, r *connect.Request[v1.MessageRequest]) (*connect.Response[v1.ClaimResponse], error) {
	var peer proofs.NetworkID
	if err := peer.UnmarshalText([]byte(r.Msg.Peer)); err != nil {
		return nil, err
	}
	p, err := s.b.Message(ctx, peer, r.Msg.Index)
	return answer(p, err, func(p *MessageProof) *v1.ClaimResponse {
		return &v1.ClaimResponse{CertifiedHeader: p.Header.MarshalCanoto(), Claim: p.Claim.MarshalCanoto()}
	})
}

func (s *nodeService) Unexecuted(ctx context.Context, r *connect.Request[v1.UnexecutedRequest]) (*connect.Response[v1.ClaimResponse], error) {
	body, err := proofs.ParseHash(r.Msg.Body)
	if err != nil {
		return nil, err
	}
	p, err := s.b.Unexecuted(ctx, body, r.Msg.Expiry)
	return answer(p, err, func(p *UnexecutedProof) *v1.ClaimResponse {
		return &v1.ClaimResponse{CertifiedHeader: p.Header.MarshalCanoto(), Claim: p.Claim.MarshalCanoto()}
	})
}

// Message implements [Backend].
func (c *Client) Message(ctx context.Context, peer proofs.NetworkID, index uint64) (*MessageProof, error) {
	req := &v1.MessageRequest{Peer: peer.String(), Index: index}
	return call(ctx, c, c.node.Message, req, func(w *v1.ClaimResponse) (*MessageProof, error) {
		h, err := headerFromWire(w.CertifiedHeader)
		if err != nil {
			return nil, err
		}
		p := &MessageProof{Header: *h}
		if err := proofs.Decode(&p.Claim, w.Claim, maxClaimBytes); err != nil {
			return nil, oddAnswer("message", err)
		}
		return p, nil
	})
}

// Unexecuted implements [Backend].
func (c *Client) Unexecuted(ctx context.Context, body proofs.Hash, expiry uint64) (*UnexecutedProof, error) {
	req := &v1.UnexecutedRequest{Body: hexOf(body), Expiry: expiry}
	return call(ctx, c, c.node.Unexecuted, req, func(w *v1.ClaimResponse) (*UnexecutedProof, error) {
		h, err := headerFromWire(w.CertifiedHeader)
		if err != nil {
			return nil, err
		}
		p := &UnexecutedProof{Header: *h}
		if err := proofs.Decode(&p.Claim, w.Claim, maxClaimBytes); err != nil {
			return nil, oddAnswer("absence", err)
		}
		return p, nil
	})
}
