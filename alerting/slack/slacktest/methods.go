package slacktest

import (
	"encoding/json"
	"fmt"
	"time"
)

func (s *Server) authTest(f form) any {
	if f["token"] != BotToken {
		return refused("invalid_auth")
	}
	return map[string]any{"ok": true, "url": "https://test.slack.com/", "team": "test", "user": "picket", "team_id": Team, "user_id": "U0PICKET", "bot_id": "B0PICKET"}
}

// checked returns the blocks of a call, or its refusal.
func (s *Server) checked(f form) ([]Block, any) {
	switch {
	case f["token"] != BotToken:
		return nil, refused("invalid_auth")
	case f["channel"] != Channel:
		return nil, refused("channel_not_found")
	case f["text"] == "" && f["blocks"] == "":
		return nil, refused("no_text")
	}
	var blocks []Block
	if raw := f["blocks"]; raw != "" {
		if err := json.Unmarshal([]byte(raw), &blocks); err != nil {
			return nil, refused("invalid_blocks_format", err.Error())
		}
	}
	if faults := check(blocks); len(faults) > 0 {
		return nil, refused("invalid_blocks", faults...)
	}
	return blocks, nil
}

func (s *Server) postMessage(f form) any {
	blocks, refusal := s.checked(f)
	if refusal != nil {
		return refusal
	}
	now := time.Now()
	if !s.posted.IsZero() && now.Sub(s.posted) < s.every {
		return later{}
	}
	s.posted = now
	s.clock++
	m := &Message{
		Channel: f["channel"], TS: fmt.Sprintf("1700000000.%06d", s.clock), Thread: f["thread_ts"], Broadcast: f["reply_broadcast"] == "true",
		Text: f["text"], Blocks: blocks, Form: f.rest(),
	}
	s.messages = append(s.messages, m)
	return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS, "message": map[string]any{"type": "message", "ts": m.TS, "text": m.Text}}
}

func (s *Server) updateMessage(f form) any {
	blocks, refusal := s.checked(f)
	if refusal != nil {
		return refusal
	}
	for _, m := range s.messages {
		if m.TS == f["ts"] {
			m.Text, m.Blocks, m.Form = f["text"], blocks, f.rest()
			m.Edits++
			return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS, "text": m.Text}
		}
	}
	return refused("message_not_found")
}

func (s *Server) postEphemeral(f form) any {
	if _, refusal := s.checked(f); refusal != nil {
		return refusal
	}
	s.whispers = append(s.whispers, Whisper{Channel: f["channel"], User: f["user"], Thread: f["thread_ts"], Text: f["text"]})
	return map[string]any{"ok": true, "message_ts": "1700000000.900000"}
}

func (s *Server) openConnection(f form) any {
	if f["token"] != AppToken {
		return refused("invalid_auth")
	}
	return map[string]any{"ok": true, "url": "ws" + s.http.URL[len("http"):] + "/link/?ticket=" + s.hub.ticket() + "&app_id=" + App}
}

// rest is what a call said besides who calls and the blocks.
func (f form) rest() map[string]string {
	out := map[string]string{}
	for name, value := range f {
		if name != "token" && name != "blocks" && name != "text" {
			out[name] = value
		}
	}
	return out
}
