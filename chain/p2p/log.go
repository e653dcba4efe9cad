package p2p

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/gologshim"
)

// libp2p's loggers belong to the process, not to a host: they go to the logger of the host made last.
var (
	libraryOnce   sync.Once
	librarySink   atomic.Pointer[slog.Logger]
	discardLogger = slog.New(slog.DiscardHandler)
)

func routeLibraryLogs(log *slog.Logger) {
	librarySink.Store(log)
	libraryOnce.Do(func() { gologshim.SetDefaultHandler(libraryHandler{}) })
}

// libraryHandler hands libp2p's errors to the sink, and its warnings as debug records: peers can cause those at will.
// Lower levels describe single dials and streams and are dropped.
type libraryHandler struct{ attrs []slog.Attr }

func sunk(level slog.Level) slog.Level {
	if level < slog.LevelError {
		return slog.LevelDebug
	}
	return level
}

func (libraryHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && librarySink.Load().Enabled(ctx, sunk(level))
}

func (h libraryHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = sunk(r.Level)
	r.AddAttrs(h.attrs...)
	return librarySink.Load().Handler().Handle(ctx, r)
}

func (h libraryHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return libraryHandler{attrs: append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

func (h libraryHandler) WithGroup(string) slog.Handler { return h }
