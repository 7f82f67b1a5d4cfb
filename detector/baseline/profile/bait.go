package profile

import "strings"

// bait are words of what stolen accounts are used for, by how much they say:
// giving money away, followers for sale, phishing for the next account, false
// news that move markets, and telling the world that it was easy (Thomas, Li,
// Grier, Paxson: "Consequences of Connectivity", CCS 2014; public reports of
// hijacked accounts since 2011). An account that speaks of such things itself
// is used to them, since it is held against its own habit.
func bait() map[uint64]uint8 {
	words := map[uint8]string{
		3: `bitcoin btc ethereum eth crypto cryptocurrency cryptocurrencies dogecoin solana usdt xrp airdrop airdrops presale
			giveaway giveaways doubled doubling giftcard giftcards hacked pwned followback teamfollowback followers
			suspended infringement viagra cialis keto metamask nft nfts mint pump whitelist
			explosion explosions assassinated assassination cyber defaced leaked
			ddos doxxed lulz hackers hijacked memecoin etherscan blockchain binance coinbase`,
		2: `wallet wallets token tokens coin coins claim claimed claiming free winner winners prize prizes voucher gift discount
			hack hacker owned password account verify verification verified confirm login invest investment investing profit
			profits paypal cashapp payments payment doubles double lbs pounds diet pills pill weight lost income earn earned
			earning followed unfollow retweet dms breaking injured killed dead died shot shooting bomb bombing
			attack attacked terrorist hostages missile nuclear rip bankrupt bankruptcy sold resigns lol omg lmao
			nude nudes porn sexy fuck fucking fucked bitch shit ass dick cunt sunglasses rayban outlet shipping
			iphone playstation stock stocks shares token's
			congratulations selected lucky exclusive guaranteed instantly miracle trial contract address`,
		1: `send sent sending back community everyone community's minutes hour hours today limited hurry now only first
			click link dm bio here picture pic photo video money cash dollars home laptop job online easy works
			win won offer sale cheap official partnered support live join follow me rt security joke crew squad
			president war emergency government white house police shooter`,
	}
	table := map[uint64]uint8{}
	for weight, list := range words {
		for w := range strings.FieldsSeq(list) {
			h := uint64(fnvOffset)
			for _, r := range w {
				h = (h ^ uint64(r)) * fnvPrime
			}
			table[h] = max(table[h], weight)
		}
	}
	return table
}
