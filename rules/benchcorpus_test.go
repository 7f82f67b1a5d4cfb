package rules

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/activity/recordedtest"
)

// BenchmarkCorpus measures from the bytes of an activity as it is stored, with
// the source's own event in raw, to the rules that match. The yardstick beside
// each decodes the same bytes with encoding/json and flattens them; the metric
// "x" is our time as a share of its.
func BenchmarkCorpus(b *testing.B) {
	files := publicRules(b)
	events := publicEvents(b)
	all := keepRules(files, func(name string) bool { return strings.HasPrefix(name, "rules/") })
	processes := keepRules(all, func(name string) bool {
		return strings.HasPrefix(name, "rules/windows/process_creation/")
	})
	account := File{Name: "account.yml", Data: []byte(benchmarkRules())}
	var long [][]byte
	for _, a := range benchmarkActivities() {
		long = append(long, activity.AppendActivity(nil, &a))
	}
	posts, logins, windows := postDocs(b), saasDocs(b), windowsDocs(events, func(publicEvent) bool { return true })
	for _, set := range []struct {
		name  string
		files []File
		docs  [][]byte
	}{
		{"40_account_rules", []File{account}, posts},
		{"40_account_rules_long_posts", []File{account}, long},
		{"saas_rules", keepRules(all, isSaaS), logins},
		{"1000_process_rules", processes[:1000], windowsDocs(events, isProcess)},
		{"all_rules_mixed", append([]File{account}, all...), slices.Concat(windows, logins, posts[:len(logins)])},
		{"all_rules_account", append([]File{account}, all...), slices.Concat(logins, posts[:len(logins)])},
	} {
		p, _ := compileMost(b, set.files)
		b.Run(set.name, func(b *testing.B) { benchmarkSet(b, p, set.docs) })
	}
}

func benchmarkSet(b *testing.B, p *Program, docs [][]byte) {
	b.Helper()
	var yard float64
	b.Run("encoding_json", func(b *testing.B) {
		flat := map[string]any{}
		for i := 0; b.Loop(); i++ {
			var v map[string]any
			if err := json.Unmarshal(docs[i%len(docs)], &v); err != nil {
				b.Fatal(err)
			}
			clear(flat)
			flatten(flat, "", v)
		}
		yard = float64(b.Elapsed()) / float64(b.N)
	})
	b.Run("picket", func(b *testing.B) {
		var d activity.Decoder
		var a activity.Activity
		m := p.NewMatcher()
		matches, n, bytes := 0, 0, 0
		for _, doc := range docs { // the scratch memory grows to its size
			if err := d.Activity(doc, &a); err != nil {
				b.Fatal(err)
			}
			p.Match(&a, m)
			bytes += len(doc)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if err := d.Activity(docs[i%len(docs)], &a); err != nil {
				b.Fatal(err)
			}
			matches += len(p.Match(&a, m))
			n++
		}
		b.ReportMetric(float64(b.Elapsed())/float64(b.N)/yard, "x")
		b.ReportMetric(float64(len(p.Rules())), "rules")
		b.ReportMetric(float64(matches)/float64(n), "matches/op")
		b.ReportMetric(float64(bytes)/float64(len(docs)), "B/event")
	})
}

// flatten writes the scalars of a decoded event under their dotted paths.
func flatten(dst map[string]any, prefix string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if prefix != "" {
				k = prefix + "." + k
			}
			flatten(dst, k, x)
		}
	case []any:
		for _, x := range v {
			flatten(dst, prefix, x)
		}
	default:
		dst[prefix] = v
	}
}

// BenchmarkCompileCorpus loads all of rules/. "MiB-live" is what the program
// holds afterwards.
func BenchmarkCompileCorpus(b *testing.B) {
	files := keepRules(publicRules(b), func(name string) bool { return strings.HasPrefix(name, "rules/") })
	_, files = compileMost(b, files)
	heap := func() uint64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	var p *Program
	before := heap()
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if p, err = Compile(files); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(int64(heap()-before))/(1<<20), "MiB-live")
	b.ReportMetric(float64(len(p.Rules())), "rules")
	runtime.KeepAlive(p)
}

func keepRules(files []File, keep func(name string) bool) []File {
	return slices.DeleteFunc(slices.Clone(files), func(f File) bool { return !keep(f.Name) })
}

func isSaaS(name string) bool {
	for _, dir := range []string{"cloud", "identity", "application/github", "application/bitbucket"} {
		if strings.HasPrefix(name, "rules/"+dir+"/") {
			return true
		}
	}
	return false
}

// compileMost compiles the files but for those that this version refuses, and
// returns what it compiled.
func compileMost(tb testing.TB, files []File) (*Program, []File) {
	tb.Helper()
	p, err := Compile(files)
	if err == nil {
		return p, files
	}
	var faults Faults
	if !errors.As(err, &faults) {
		tb.Fatal(err)
	}
	refused := map[string]bool{}
	for _, f := range faults {
		refused[f.File] = true
	}
	files = keepRules(files, func(name string) bool { return !refused[name] })
	if p, err = Compile(files); err != nil {
		tb.Fatal(err)
	}
	return p, files
}

// postDocs are the last thousand posts of a public figure.
func postDocs(tb testing.TB) [][]byte {
	tb.Helper()
	f, err := os.Open(filepath.Join(recordedtest.Path(tb, "data/accounts"), "landsurveyorsunited.jsonl.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	var out [][]byte
	for lines := bufio.NewScanner(z); len(out) < 1000 && lines.Scan(); {
		out = append(out, slices.Clone(lines.Bytes()))
	}
	if len(out) < 1000 {
		tb.Fatalf("read %d posts, want 1000", len(out))
	}
	return out
}

func isProcess(e publicEvent) bool {
	for _, id := range []string{`"EventID":1,`, `"EventID":4688,`} {
		if strings.Contains(string(e.activity.Raw), id) {
			return true
		}
	}
	return false
}

func windowsDocs(events []publicEvent, keep func(publicEvent) bool) [][]byte {
	var out [][]byte
	for i, e := range events {
		if keep(e) {
			a := e.activity
			a.ID, a.Account = strconv.Itoa(i), "windows/acme"
			out = append(out, activity.AppendActivity(nil, &a))
		}
	}
	return out
}

// saasDocs are logins and changes at sources of identities, as those tell them.
func saasDocs(tb testing.TB) [][]byte {
	tb.Helper()
	page, err := os.ReadFile("../collectors/okta/testdata/page.json")
	if err != nil {
		tb.Fatal(err)
	}
	var okta []json.RawMessage
	if err := json.Unmarshal(page, &okta); err != nil {
		tb.Fatal(err)
	}
	var out [][]byte
	add := func(network string, raw []byte) {
		a := activity.Activity{
			ID: fmt.Sprint(len(out)), Network: network, Account: network + "/editor-2", Kind: activity.KindLogin,
			IP: "198.51.100.3", Outcome: activity.Outcome{Result: "success"}, Raw: raw,
		}
		out = append(out, activity.AppendActivity(nil, &a))
	}
	for range 4 {
		for _, raw := range okta {
			add("okta", raw)
		}
		for _, e := range saasEvents() {
			add(e.network, []byte(e.raw))
		}
	}
	return out
}

type saasEvent struct{ network, raw string }

func saasEvents() []saasEvent {
	return []saasEvent{
		{"azure", `{"time":"2026-03-01T09:12:44.2013Z","resourceId":"/tenants/6f1b/providers/Microsoft.aadiam","operationName":"Sign-in activity","operationVersion":"1.0","category":"SignInLogs","tenantId":"6f1b","resultType":"50126","resultSignature":"None","resultDescription":"Invalid username or password or Invalid on-premise username or password.","durationMs":0,"callerIpAddress":"198.51.100.20","correlationId":"a9f0c1d2-0b1d-4c7e-9f1d-5a5f2d6c7e80","Level":4,"location":"RO","ResultType":"50126","AuthenticationRequirement":"singleFactorAuthentication","properties":{"id":"4a1f","createdDateTime":"2026-03-01T09:12:44.2013Z","userDisplayName":"Editor Two","userPrincipalName":"editor-2@acme.example","userId":"0ad1","appId":"4765445b-32c6-49b0-83e6-1d93765276ca","appDisplayName":"OfficeHome","ipAddress":"198.51.100.20","status":{"errorCode":50126,"failureReason":"Invalid username or password"},"clientAppUsed":"Browser","userAgent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36","deviceDetail":{"deviceId":"","operatingSystem":"Windows10","browser":"Chrome 126.0"},"location":{"city":"Cluj-Napoca","state":"Cluj","countryOrRegion":"RO","geoCoordinates":{"latitude":46.76,"longitude":23.58}},"conditionalAccessStatus":"notApplied","isInteractive":true,"riskDetail":"none","riskLevelAggregated":"none","riskEventTypes":[]}}`},
		{"azure", `{"time":"2026-03-01T10:02:11Z","category":"AuditLogs","operationName":"Add member to role","properties":{"id":"Directory_1","category":"RoleManagement","correlationId":"c1","result":"success","resultReason":"","activityDisplayName":"Add member to role","activityDateTime":"2026-03-01T10:02:11Z","loggedByService":"Core Directory","operationType":"Assign","message":"Add member to role","initiatedBy":{"user":{"id":"0ad1","userPrincipalName":"admin@acme.example","ipAddress":"203.0.113.9"}},"targetResources":[{"id":"77","displayName":null,"type":"User","userPrincipalName":"editor-2@acme.example","modifiedProperties":[{"displayName":"Role.DisplayName","oldValue":null,"newValue":"\"Helpdesk Administrator\""}]}],"additionalDetails":[{"key":"User-Agent","value":"Mozilla/5.0"}]}}`},
		{"gcp", `{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","authenticationInfo":{"principalEmail":"editor-2@acme.example"},"requestMetadata":{"callerIp":"198.51.100.3","requestAttributes":{},"destinationAttributes":{}},"serviceName":"login.googleapis.com","methodName":"google.login.LoginService.loginSuccess","resourceName":"organizations/123","metadata":{"event":[{"eventName":"login_success","eventType":"login","parameter":[{"name":"login_type","type":"TYPE_STRING","value":"google_password"},{"name":"is_suspicious","boolValue":false}]}]}},"insertId":"1x","resource":{"type":"audited_resource","labels":{"method":"google.login.LoginService.loginSuccess","service":"login.googleapis.com"}},"timestamp":"2026-03-01T09:12:44Z","severity":"NOTICE","logName":"organizations/123/logs/cloudaudit.googleapis.com%2Fdata_access"}`},
		{"github", `{"@timestamp":1772356364000,"_document_id":"Xyz","action":"org.update_member","actor":"editor-2","actor_id":1234,"actor_ip":"198.51.100.3","actor_location":{"country_code":"RO"},"business":"acme","business_id":99,"created_at":1772356364000,"org":"acme","org_id":5,"permission":"admin","old_permission":"read","operation_type":"modify","user":"dana","user_agent":"Mozilla/5.0 (X11; Linux x86_64)","user_id":777}`},
		{"m365", `{"CreationTime":"2026-03-01T09:12:44","Id":"1f","Operation":"UserLoggedIn","OrganizationId":"6f1b","RecordType":15,"ResultStatus":"Success","UserKey":"0ad1","UserType":0,"Version":1,"Workload":"AzureActiveDirectory","ClientIP":"198.51.100.3","ObjectId":"00000002","UserId":"editor-2@acme.example","AzureActiveDirectoryEventType":1,"ExtendedProperties":[{"Name":"ResultStatusDetail","Value":"Success"},{"Name":"UserAgent","Value":"Mozilla/5.0"},{"Name":"RequestType","Value":"OAuth2:Authorize"}],"ActorContextId":"6f1b","InterSystemsId":"9d","IntraSystemId":"12","Target":[{"ID":"00000002","Type":0}],"eventSource":"SecurityComplianceCenter","eventName":"User restricted from sending email","status":"success"}`},
		{"onelogin", `{"id":1,"created_at":"2026-03-01T09:12:44Z","account_id":555,"user_id":31,"event_type_id":5,"notes":null,"ipaddr":"198.51.100.3","actor_user_id":31,"assuming_acting_user_id":null,"app_name":"X","user_name":"Editor Two","actor_user_name":"Editor Two","risk_score":12,"risk_reasons":"New IP"}`},
	}
}
