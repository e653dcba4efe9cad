package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func TestErrorsKeepTheirClass(t *testing.T) {
	f := newFake(t)
	var log bytes.Buffer
	c, stop := serve(t, f, api.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	x := types.External{Network: f.zero.ID}
	for _, tc := range []struct {
		err   error
		class api.Error
		exit  int
	}{
		{api.ErrInvalid, api.ErrInvalid, 2},
		{api.ErrNotFound, api.ErrNotFound, 4},
		{api.ErrUnavailable, api.ErrUnavailable, 5},
		{api.ErrBusy, api.ErrBusy, 5},
		{context.DeadlineExceeded, api.ErrTimeout, 5},
		{api.ErrRefused, api.ErrRefused, 6},
		{api.ErrDuplicate, api.ErrDuplicate, 6},
		{api.ErrExpired, api.ErrExpired, 6},
		{proofs.ErrSignature, api.ErrInvalid, 2},
		{proofs.ErrStale, api.ErrRefused, 6},
		{proofs.ErrExpired, api.ErrExpired, 6},
		{errDisk, api.ErrInternal, 1},
	} {
		f.refuse = fmt.Errorf("got 1, want 2: %w", tc.err)
		_, err := c.Submit(t.Context(), x.MarshalCanoto())
		if got := api.ClassOf(err); got != tc.class {
			t.Errorf("%v: got class %q (%v), want %q", tc.err, got, err, tc.class)
		}
		if got := api.ExitCode(err); got != tc.exit {
			t.Errorf("%v: got exit code %d, want %d", tc.err, got, tc.exit)
		}
		if told := strings.Contains(err.Error(), "got 1, want 2"); told == (tc.class == api.ErrInternal) {
			t.Errorf("%v: the client is told %q", tc.err, err)
		}
	}
	stop()
	if !strings.Contains(log.String(), "/secret/path") {
		t.Errorf("the internal error is not in the log: %s", log.String())
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, addr := range []string{l.Addr().String(), "unix:" + filepath.Join(t.TempDir(), "none")} {
		c, err := api.Dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Info(t.Context()); !errors.Is(err, api.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", addr, err, api.ErrUnavailable)
		}
	}
	for _, addr := range []string{"", "unix:", "ftp://a", "http://u:p@a", "a b:1"} {
		if _, err := api.Dial(addr); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%q: got %v, want %v", addr, err, api.ErrInvalid)
		}
	}
}

func TestSlowBackendIsCutOff(t *testing.T) {
	f := newFake(t)
	f.hold = make(chan struct{})
	c, _ := serve(t, f, api.Options{Timeout: 20 * time.Millisecond})
	if _, err := c.Zero(t.Context()); !errors.Is(err, api.ErrTimeout) {
		t.Errorf("got %v, want %v", err, api.ErrTimeout)
	}
}

func TestTooManyRequestsAreRefused(t *testing.T) {
	f := newFake(t)
	f.hold = make(chan struct{})
	c, _ := serve(t, f, api.Options{Requests: 1})
	first := make(chan error, 1)
	go func() {
		_, err := c.Zero(t.Context())
		first <- err
	}()
	deadline := time.Now().Add(5 * time.Second)
	for {
		_, err := c.Info(t.Context())
		if errors.Is(err, api.ErrBusy) {
			break
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("got %v, want %v", err, api.ErrBusy)
		}
	}
	close(f.hold)
	if err := <-first; err != nil {
		t.Errorf("the first request: %v", err)
	}
}

func TestRequestTooLarge(t *testing.T) {
	c, _ := serve(t, newFake(t), api.Options{})
	if _, err := c.Prove(t.Context(), [][]byte{presentKey}); err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string][][]byte{
		"one key": {make([]byte, api.MaxKeyBytes+1)}, "no key": {}, "empty key": {{}},
		"many keys": make([][]byte, api.MaxProveKeys+1), "huge": {make([]byte, 2<<20)},
	} {
		_, err := c.Prove(t.Context(), keys)
		if !errors.Is(err, api.ErrInvalid) && !errors.Is(err, api.ErrBusy) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
}

func TestWatchStatusEndsAtItsStage(t *testing.T) {
	c, _ := serve(t, newFake(t), api.Options{})
	var seen []api.Stage
	err := c.WatchStatus(t.Context(), proofs.Hash{1}, func(s api.Status) error {
		seen = append(seen, s.Stage)
		return nil
	})
	if err != nil || len(seen) != int(api.StageCertified) || seen[len(seen)-1] != api.StageCertified {
		t.Errorf("got %v, %v", seen, err)
	}
	stop := errors.New("enough")
	if err := c.WatchStatus(t.Context(), proofs.Hash{1}, func(api.Status) error { return stop }); err != stop {
		t.Errorf("got %v, want the callback's own error", err)
	}
}

func TestStreamsEndWhenTheServerCloses(t *testing.T) {
	c, stop := serve(t, newFake(t), api.Options{})
	events := 0
	err := c.Watch(t.Context(), func(e api.Event) error {
		if events++; events == 3 {
			go stop()
		}
		return nil
	})
	if !errors.Is(err, api.ErrUnavailable) || events != 3 {
		t.Errorf("got %v after %d events, want %v after 3", err, events, api.ErrUnavailable)
	}
}

func TestStreamEndsWithItsClient(t *testing.T) {
	c, _ := serve(t, newFake(t), api.Options{Streams: 1})
	for range 3 { // a slot that was not given back would refuse the second
		ctx, cancel := context.WithCancel(t.Context())
		err := c.Watch(ctx, func(e api.Event) error {
			if e.Height == 3 {
				cancel()
			}
			return nil
		})
		cancel()
		if errors.Is(err, api.ErrBusy) {
			time.Sleep(10 * time.Millisecond) // the server has not heard of the end yet
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	}
}

func TestPlainHTTPWithJSON(t *testing.T) {
	f := newFake(t)
	c, _ := serve(t, f, api.Options{})
	base := "http://" + c.Addr() + "/isthmus.v1.NodeService/"
	post, err := http.Post(base+"Info", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	get, err := http.Get(base + "Info?encoding=json&message=%7B%7D")
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range []*http.Response{post, get} {
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(f.zero.ID.String())) {
			t.Errorf("%s: got %s %s, %v", res.Request.Method, res.Status, body, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestHTTP2WithoutTLS(t *testing.T) {
	f := newFake(t)
	c, _ := serve(t, f, api.Options{})
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: &p}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr}).Post("http://"+c.Addr()+"/isthmus.v1.NodeService/Info", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 || res.StatusCode != http.StatusOK {
		t.Errorf("got %s %s, want HTTP/2 200", res.Proto, res.Status)
	}
}

func TestAdminSocketIsPrivate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, api.AdminSocket)
	for range 2 { // the second replaces the first
		l, err := api.ListenAdmin(path)
		if err != nil {
			t.Fatal(err)
		}
		fi, err := os.Lstat(path)
		if err != nil || fi.Mode().Perm() != 0o600 || fi.Mode().Type() != os.ModeSocket {
			t.Fatalf("got mode %v, %v; want a socket with 0600", fi.Mode(), err)
		}
		t.Cleanup(func() { l.Close() })
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left over: %v", left)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ListenAdmin(file); !errors.Is(err, api.ErrRefused) {
		t.Errorf("over a file: got %v, want %v", err, api.ErrRefused)
	}
}

func TestParseStage(t *testing.T) {
	for s := api.StageReceived; s <= api.StageExpired; s++ {
		if got, err := api.ParseStage(s.String()); got != s || err != nil {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
	for _, name := range []string{"", "stage 9", "Executed"} {
		if _, err := api.ParseStage(name); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%q: got %v, want %v", name, err, api.ErrInvalid)
		}
	}
}
