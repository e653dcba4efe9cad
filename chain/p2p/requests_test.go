package p2p

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

var echo = Protocol{Name: "echo", MaxRequest: 1 << 20, MaxResponse: 1 << 20, Timeout: time.Second, PerPeer: 2, Total: 3}

func TestRequests(t *testing.T) {
	a, b := pair(t)
	b.HandleRequests(echo, func(_ context.Context, from NodeKey, req []byte) ([]byte, error) {
		switch {
		case from != a.Self():
			return nil, fmt.Errorf("from %x", from)
		case string(req) == "fail":
			return nil, errors.New(strings.Repeat("x", 1000) + "\n")
		case string(req) == "busy":
			return nil, fmt.Errorf("disk: %w", ErrBusy)
		case string(req) == "large":
			return make([]byte, echo.MaxResponse+1), nil
		}
		return req, nil
	})
	ask := func(req []byte) ([]byte, error) { return a.Request(context.Background(), b.Self(), echo, req) }
	until(t, "a first answer", func() bool { _, err := ask(nil); return err == nil })
	big := bytes.Repeat([]byte{7}, echo.MaxRequest)
	if resp, err := ask(big); err != nil || !bytes.Equal(resp, big) {
		t.Fatalf("got %d bytes, %v", len(resp), err)
	}
	_, err := ask(append(big, 0))
	wantErr(t, err, ErrTooLarge)
	_, err = ask([]byte("fail"))
	wantErr(t, err, ErrRemote)
	if len(err.Error()) > 2*maxErrorText {
		t.Fatalf("error of %d bytes", len(err.Error()))
	}
	_, err = ask([]byte("busy"))
	wantErr(t, err, ErrBusy)
	_, err = ask([]byte("large"))
	wantErr(t, err, ErrRemote)
	_, err = a.Request(context.Background(), nodeKey(9), echo, nil)
	wantErr(t, err, ErrNotConnected)

	// The asking side caps the response whatever the other side thinks.
	mean := echo
	mean.MaxResponse = 10
	if _, err = a.Request(context.Background(), b.Self(), mean, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	_, err = a.Request(context.Background(), b.Self(), mean, make([]byte, 11))
	wantErr(t, err, ErrTooLarge)

	// The serving side caps the request whatever the asking side thinks.
	id, _ := idOf(b.Self())
	s, err := a.stack.host.NewStream(context.Background(), id, echo.protocol())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Write([]byte{0, 0x10, 0, 1})
	_, err = io.ReadAll(s)
	var reset *network.StreamError
	if !errors.As(err, &reset) || reset.ErrorCode != network.StreamProtocolViolation {
		t.Fatalf("got %v", err)
	}
}

func TestRequestDeadlinesAndPlaces(t *testing.T) {
	hosts := mesh(t, 3)
	server := hosts[2]
	started, release := make(chan NodeKey, 8), make(chan struct{})
	cancelled := make(chan error, 8)
	server.HandleRequests(echo, func(ctx context.Context, from NodeKey, req []byte) ([]byte, error) {
		if string(req) == "ping" {
			return nil, nil
		}
		started <- from
		select {
		case <-release:
			return req, nil
		case <-ctx.Done():
			cancelled <- ctx.Err()
			return nil, ctx.Err()
		}
	})
	ask := func(i int, text string) error {
		_, err := hosts[i].Request(context.Background(), server.Self(), echo, []byte(text))
		return err
	}
	for i := range 2 {
		until(t, "a first answer", func() bool { return ask(i, "ping") == nil })
	}
	results := make(chan error, 8)
	wait := func(i int) {
		go func() { results <- ask(i, "wait") }()
		receive(t, started, "start")
	}
	wait(0)
	wait(0)
	wantErr(t, ask(0, "ping"), ErrBusy) // two of two for this peer
	wait(1)
	wantErr(t, ask(1, "ping"), ErrBusy) // three of three in all
	for range 3 {
		release <- struct{}{}
		if err := receive(t, results, "result"); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "places free again", func() bool { return ask(0, "ping") == nil })

	// The caller's context, then the protocol's timeout on both sides.
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-started; cancel() }()
	_, err := hosts[0].Request(ctx, server.Self(), echo, []byte("wait"))
	wantErr(t, err, context.Canceled)
	wantErr(t, ask(0, "wait"), context.DeadlineExceeded)
	wantErr(t, receive(t, cancelled, "the handler's context"), context.DeadlineExceeded)
	patient := echo
	patient.Timeout = 5 * time.Second
	_, err = hosts[1].Request(context.Background(), server.Self(), patient, []byte("wait"))
	wantErr(t, err, context.DeadlineExceeded)
}

func TestCloseEndsRequests(t *testing.T) {
	a, b := pair(t)
	slow := echo
	slow.Timeout = time.Minute
	started := make(chan struct{}, 1)
	b.HandleRequests(slow, func(ctx context.Context, _ NodeKey, req []byte) ([]byte, error) {
		if len(req) == 0 {
			return nil, nil
		}
		started <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	until(t, "a first answer", func() bool {
		_, err := a.Request(context.Background(), b.Self(), slow, nil)
		return err == nil
	})
	result := make(chan error, 1)
	go func() {
		_, err := a.Request(context.Background(), b.Self(), slow, []byte("wait"))
		result <- err
	}()
	receive(t, started, "start")
	closeHost(t, b)
	if err := receive(t, result, "the asking side"); err == nil {
		t.Fatal("answered by a closed host")
	}
}
