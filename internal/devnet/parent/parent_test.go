package parent

import (
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		var log strings.Builder
		var cancelled, exited time.Time
		done := make(chan struct{})
		began := time.Now()
		go func() {
			watch(r, &log, func() { cancelled = time.Now() }, func() { exited = time.Now() })
			close(done)
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		if !cancelled.IsZero() {
			t.Fatal("cancelled while the parent lives")
		}
		if _, err := w.Write([]byte("noise is no end")); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		<-done
		if d := cancelled.Sub(began); d != time.Minute {
			t.Errorf("cancelled after %v, want 1m", d)
		}
		if !strings.Contains(log.String(), "has ended") {
			t.Errorf("log: got %q", log.String())
		}
		if d := exited.Sub(cancelled); d != Grace {
			t.Errorf("exit %v later, want %v", d, Grace)
		}
	})
}

func TestWatchParentConfiguration(t *testing.T) {
	if _, ok := os.LookupEnv(Env); ok {
		t.Fatalf("%s is set", Env)
	}
	never := func() { t.Error("cancelled") }
	if err := WatchParent(never); err != nil {
		t.Errorf("without %s: %v", Env, err)
	}
	for _, text := range []string{"", "-1", "x", "65535", "99999999"} {
		t.Setenv(Env, text)
		if err := WatchParent(never); err == nil {
			t.Errorf("%s=%q was accepted", Env, text)
		}
		if _, ok := os.LookupEnv(Env); ok {
			t.Errorf("%s=%q would be inherited", Env, text)
		}
	}
}
