package devnet

import (
	"strings"
	"testing"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func TestUnlinkedSaysWhatIsMissing(t *testing.T) {
	peer := &network{name: "b", zero: &proofs.Zero{ID: proofs.NetworkID{2}}}
	link := api.Link{Peer: peer.zero.ID, State: api.PeerActive, KeyHeight: 7}
	if why := unlinked([]api.Link{{}, link}, peer); why != "" {
		t.Fatalf("got %q, want nothing", why)
	}
	for want, change := range map[string]func(l *api.Link){
		"not registered": func(l *api.Link) { l.Peer[0]++ },
		"bootstrapping, no source": func(l *api.Link) {
			l.State, l.FollowerError = api.PeerBootstrapping, "no source"
		},
		"paused, by an act":             func(l *api.Link) { l.State, l.Reason = api.PeerPaused, "by an act" },
		"active, no key block consumed": func(l *api.Link) { l.KeyHeight = 0 },
	} {
		l := link
		change(&l)
		if why := unlinked([]api.Link{l}, peer); why != want {
			t.Errorf("got %q, want %q", why, want)
		}
	}
}

func TestUnderWayTakesTheNewest(t *testing.T) {
	peer := proofs.NetworkID{2}
	act := func(id byte, state string) api.ActState {
		return api.ActState{ID: proofs.Hash{id}, State: state, Act: types.Act{Kind: types.ActRegister, Peer: peer}}
	}
	pause, other := act(3, api.ActOpen), act(4, api.ActOpen)
	pause.Act.Kind, other.Act.Peer = types.ActPause, proofs.NetworkID{9}
	acts := []api.ActState{act(1, api.ActOpen), act(2, api.ActCertified), act(5, api.ActExpired), pause, other}
	if got := underWay(acts, peer); got == nil || got.ID != (proofs.Hash{2}) {
		t.Errorf("got %+v, want act 2", got)
	}
	if got := underWay(acts[2:], peer); got != nil {
		t.Errorf("got %+v, want none", got)
	}
	if words := lastWords(acts[2:], peer); !strings.Contains(words, api.ActExpired) {
		t.Errorf("got %q", words)
	}
	if words := lastWords(nil, peer); words != "" {
		t.Errorf("got %q", words)
	}
}
