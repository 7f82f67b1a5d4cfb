package notify

import "strings"

// Secret is a token or password that an output is given. Reveal is called
// whenever it is needed, so that one that lives for an hour can be renewed;
// printed in any other way it should say nothing.
type Secret interface {
	Reveal() string
}

// hidden is what stands for a secret in a text.
const hidden = "[secret]"

// Hide takes secrets out of a text that somebody else wrote, such as the answer
// of a server that repeats what it was sent. Secrets may be nil.
func Hide(text string, secrets ...Secret) string {
	for _, s := range secrets {
		if s == nil {
			continue
		}
		if v := s.Reveal(); v != "" {
			text = strings.ReplaceAll(text, v, hidden)
		}
	}
	return text
}
