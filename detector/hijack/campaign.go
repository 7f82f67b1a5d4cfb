package hijack

import (
	"strings"

	"github.com/picketd/picket/collectors/activity"
)

// Campaign is what hijackers posted in one documented case, one to five posts.
type Campaign struct {
	Name  string
	Lang  string // BCP 47
	Posts []CampaignPost
}

// CampaignPost is one post of a campaign. Addresses of wallets are made up.
type CampaignPost struct {
	Text    string
	Domains []string // of the links in Text, expanded
}

// activity returns the i-th post of the campaign without a time.
func (c *Campaign) activity(i int) activity.Activity {
	p := c.Posts[i]
	a := activity.Activity{Kind: activity.KindPost, Text: p.Text, Lang: c.Lang, LinkDomains: p.Domains}
	for word := range strings.FieldsSeq(p.Text) {
		name := strings.ToLower(strings.TrimRight(strings.TrimLeft(word, ".(\""), ".,:;!?)\"'"))
		switch {
		case len(name) > 1 && name[0] == '@':
			a.Mentions = append(a.Mentions, name[1:])
		case len(name) > 1 && name[0] == '#':
			a.Hashtags = append(a.Hashtags, name[1:])
		}
	}
	return a
}

// Campaigns returns posts of hijacked accounts from the public record: cases
// that the press quoted word for word, and the kinds of spam that stolen
// accounts are used for most (Grier, Thomas, Paxson, Zhang: "@spam: The
// Underground on 140 Characters or Less", CCS 2010; Thomas, Li, Grier, Paxson:
// "Consequences of Connectivity: Characterizing Account Hijacking on Twitter",
// CCS 2014), in words of their own.
func Campaigns() []Campaign { return append(incidents(), spam()...) }

// incidents are documented hijacks of organisations' accounts.
func incidents() []Campaign {
	return []Campaign{
		{"AP 2013", "en", []CampaignPost{
			{Text: "Breaking: Two Explosions in the White House and Barack Obama is injured"},
		}},
		{"Burger King 2013", "en", []CampaignPost{
			{Text: "We just got sold to McDonalds! Look for McDonalds in a hood near you @DFNCTSC"},
			{Text: "if I catch you at a wendys, we're fightin!"},
			{Text: "We just got sold to McDonalds because the whopper flopped =[ FREDOM IS FAILURE"},
		}},
		{"Jeep 2013", "en", []CampaignPost{
			{Text: "The official Twitter handle for the Jeep® - Just Empty Every Pocket, Sold To Cadillac =["},
			{Text: "We got sold because our employees do this in the bathroom http://t.co/qkDcvpS9", Domains: []string{"twitpic.com"}},
			{Text: "Shout out to my dude @DFNCTSC, we own this now! #hacked"},
		}},
		{"Fox News Politics 2011", "en", []CampaignPost{
			{Text: "@BarackObama has just passed. The President is dead. A sad 4th of July, indeed. President Barack Obama is dead"},
			{Text: "@BarackObama has just passed. Nearly 45 minutes ago, he was shot twice in the lower pelvic area and in the neck; shooter unknown. Bled out"},
			{Text: "#ObamaDead, it's a sad 4th of July. RT to support the late president's family, and RIP. The shooter will be found"},
			{Text: "BREAKING NEWS: President @BarackObama assassinated, 2 gunshot wounds have proved too much. It's a sad 4th for #america. #obamadead RIP"},
			{Text: "@BarackObama shot twice at a Ross' restaurant in Iowa while campaigning. RIP Obama, best regards to the Obama family."},
		}},
		{"July 2020, bitcoin, persons", "en", []CampaignPost{
			{Text: "I am giving back to the community. All Bitcoin sent to the address below will be sent back doubled! If you send $1,000, I will send back $2,000. Only doing this for 30 minutes. bc1qxy0000000000000000000000000000000000wlh Enjoy!"},
		}},
		{"July 2020, bitcoin, persons 2", "en", []CampaignPost{
			{Text: "Feeling grateful, doubling all payments sent to my BTC address! You send $1,000, I send back $2,000! Only doing this for the next 30 minutes. bc1qxy0000000000000000000000000000000000wlh"},
			{Text: "Everyone is asking me to give back, and now is the time. I am doubling all payments sent to my BTC address for the next 30 minutes."},
		}},
		{"July 2020, bitcoin, companies", "en", []CampaignPost{
			{Text: "We are giving back to our community. We support Bitcoin and we believe you should too! All Bitcoin sent to our address below will be sent back to you doubled! bc1qxy0000000000000000000000000000000000wlh Only going on for the next 30 minutes."},
		}},
		{"July 2020, bitcoin, exchanges", "en", []CampaignPost{
			{Text: "We have partnered with CryptoForHealth and are giving back 5000 BTC to the community. See more here: https://t.co/cryptoforhealth", Domains: []string{"cryptoforhealth.com"}},
		}},
		{"SEC 2024", "en", []CampaignPost{
			{Text: "Today the SEC grants approval for #Bitcoin ETFs for listing on all registered national securities exchanges. The approved Bitcoin ETFs will be subject to ongoing surveillance and compliance measures to ensure continued investor protection."},
			{Text: "$BTC"},
		}},
		{"Twitter Counter 2017", "tr", []CampaignPost{
			{Text: "#NaziAlmanya #NaziHollanda Bu size ufak bir #osmanlitokadi, sizinle #16Nisan'da görüşürüz. Ne yazmışım? Türkçe öğren https://t.co/counter", Domains: []string{"youtube.com"}},
		}},
		{"CENTCOM 2015", "en", []CampaignPost{
			{Text: "AMERICAN SOLDIERS, WE ARE COMING, WATCH YOUR BACK. ISIS. #CyberCaliphate http://pastebin.com/0", Domains: []string{"pastebin.com"}},
			{Text: "We won't stop! We know everything about you, your wives and children. U.S. soldiers! We're watching you!"},
			{Text: "ISIS is already here, we are in your PCs, in each military base. #CyberCaliphate"},
		}},
	}
}

// spam is what hijacked accounts of everybody are used for.
func spam() []Campaign {
	return []Campaign{
		{"phishing, picture", "en", []CampaignPost{
			{Text: "lol is this really you in this picture? http://bit.ly/0pic", Domains: []string{"bit.ly"}},
			{Text: "omg someone is saying really bad things about you here http://bit.ly/1pic", Domains: []string{"bit.ly"}},
		}},
		{"phishing, copyright notice", "en", []CampaignPost{
			{Text: "Your account will be suspended for copyright infringement. Verify your identity within 24 hours to keep your blue badge: https://help-verify.top/form", Domains: []string{"help-verify.top"}},
		}},
		{"diet pills", "en", []CampaignPost{
			{Text: "I lost 23 pounds in 3 weeks without even trying, I can't believe it works! Free trial here http://ow.ly/0diet", Domains: []string{"ow.ly"}},
			{Text: "If I didn't try this, my life wouldn't have changed http://ow.ly/0diet", Domains: []string{"ow.ly"}},
			{Text: "I couldn't believe it when my doctor told me about this miracle pill http://ow.ly/1diet", Domains: []string{"ow.ly"}},
		}},
		{"sunglasses sale", "en", []CampaignPost{
			{Text: "Ray-Ban sunglasses summer sale, up to 90% off, only $19.99 today! Free shipping worldwide http://rb-outlet.xyz", Domains: []string{"rb-outlet.xyz"}},
			{Text: "I just bought 2 pairs for $24.99, last day of the sale, hurry up! http://rb-outlet.xyz/2", Domains: []string{"rb-outlet.xyz"}},
		}},
		{"followers", "en", []CampaignPost{
			{Text: "GET MORE FOLLOWERS my best friends? I will follow you back if you follow me - http://goo.gl/0foll #TeamFollowBack #FollowNGain", Domains: []string{"goo.gl"}},
			{Text: "Want 5,000 free followers in one day? I just did it here http://goo.gl/1foll", Domains: []string{"goo.gl"}},
		}},
		{"gift cards", "en", []CampaignPost{
			{Text: "Congratulations! The first 1,000 people to enter your code at this page win a free $1000 Walmart gift card http://gift-claim.info", Domains: []string{"gift-claim.info"}},
		}},
		{"work from home", "en", []CampaignPost{
			{Text: "I made $372 today working from home with just my laptop, you should try it too http://tinyurl.com/0work", Domains: []string{"tinyurl.com"}},
			{Text: "Still can't believe how easy it is to make money online, see the report http://tinyurl.com/1work", Domains: []string{"tinyurl.com"}},
		}},
		{"token airdrop", "en", []CampaignPost{
			{Text: "The official $MEME token airdrop is live now! Connect your wallet and claim before it ends. First 5,000 wallets only https://claim-airdrop.app", Domains: []string{"claim-airdrop.app"}},
			{Text: "Presale sold out in 4 minutes. Contract address: So1111111111111111111111111111111111111pump. Don't miss it, this is going to 100x 🚀🚀"},
			{Text: "NFT holders can mint free for the next hour https://claim-airdrop.app/mint", Domains: []string{"claim-airdrop.app"}},
		}},
		{"laptops for charity", "en", []CampaignPost{
			{Text: "I have 5 MacBooks that I will personally sign and sell for $600, proceeds go to charity. My DMs are open, first come first served, Cash App only"},
		}},
		{"defacement", "en", []CampaignPost{
			{Text: "HACKED by the crew, your security is a joke lol. Follow us and we give it back"},
			{Text: "who should we hack next? reply with names"},
			{Text: "free the account owner challenge (impossible)"},
		}},
	}
}
