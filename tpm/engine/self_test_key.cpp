#include "tpm/engine/self_test_key.h"

#include <memory>
#include <systemc>

#include <openssl/bn.h>
#include <openssl/rsa.h>

namespace vtwin::tpm {

namespace {

// The function that libtpms calls takes no context: this is the context.
bool s_in_self_test = false;

constexpr int self_test_bits = 2048;
// Two primes of 1024 bits, drawn once for this purpose.
constexpr char prime_p[] =
    "F32EA42654CB495FAF0541712FDB8B556F567894AE7EC69087779079A5960B94"
    "85A3D09E0B14F2B2F179DD3CB56571511362648C2AAC8ED2BDC7561032F6ACE2"
    "3F1DCB30351D0A7800809DCF9065FC1A8E4548FD696AFCDBC18880CAFE8EBD2F"
    "5AE8885D06C24A30DF07456253CA76E24034BEA5C24B4CBAAD850663AC3D87BD";
constexpr char prime_q[] =
    "ED6A8447F79B2365CC46416D47DB867CE7B24FBF196D210F7D7FAE732AC0A5E6"
    "4ABFE55BC92B47197D8D8890269DE2766C2FA048DAD7AD8E6DA3595F0B3DC70C"
    "7E78E112E87014B967BEA5D997C3743B9A5B194B33933B51DC639065153D359F"
    "72C7027E9D1E919F3FCBB6736FA3F1CD5A6276456EED865779F10D1539DC77BB";

struct free_number {
    void operator()(BIGNUM* number) const { BN_free(number); }
    void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};
using bn_ptr = std::unique_ptr<BIGNUM, free_number>;

bn_ptr from_hex(const char* digits) {
    BIGNUM* value = nullptr;
    sc_assert(BN_hex2bn(&value, digits) > 0);
    return bn_ptr(value);
}

bn_ptr less_one(const bn_ptr& value) {
    bn_ptr result(BN_dup(value.get()));
    BN_sub_word(result.get(), 1);
    return result;
}

}  // namespace

self_test_key_scope::self_test_key_scope() {
    sc_assert(!s_in_self_test);
    s_in_self_test = true;
}

self_test_key_scope::~self_test_key_scope() {
    s_in_self_test = false;
}

bool self_test_key_scope::gives(int bits) {
    return s_in_self_test && bits == self_test_bits;
}

int self_test_key_scope::give(RSA* target, const BIGNUM* exponent) {
    const std::unique_ptr<BN_CTX, free_number> context(BN_CTX_new());
    bn_ptr p = from_hex(prime_p), q = from_hex(prime_q);
    const bn_ptr p1 = less_one(p), q1 = less_one(q);
    bn_ptr n(BN_new()), phi(BN_new()), dp(BN_new()), dq(BN_new());
    BN_mul(n.get(), p.get(), q.get(), context.get());
    BN_mul(phi.get(), p1.get(), q1.get(), context.get());
    bn_ptr e(BN_dup(exponent));
    bn_ptr d(BN_mod_inverse(nullptr, e.get(), phi.get(), context.get()));
    bn_ptr qinv(BN_mod_inverse(nullptr, q.get(), p.get(), context.get()));
    if (!d || !qinv)
        return 0;
    BN_mod(dp.get(), d.get(), p1.get(), context.get());
    BN_mod(dq.get(), d.get(), q1.get(), context.get());
    return RSA_set0_key(target, n.release(), e.release(), d.release()) &&
           RSA_set0_factors(target, p.release(), q.release()) &&
           RSA_set0_crt_params(target, dp.release(), dq.release(), qinv.release());
}

}  // namespace vtwin::tpm
