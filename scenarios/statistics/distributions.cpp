#include "scenarios/statistics/distributions.h"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>

namespace vtwin::scenario {

double normal_quantile(double p) {
    return boost::math::quantile(boost::math::normal_distribution<double>(), p);
}

double beta_quantile(double p, double a, double b) {
    return boost::math::quantile(boost::math::beta_distribution<double>(a, b), p);
}

double coin_probability(std::uint64_t hits, std::uint64_t runs) {
    return boost::math::pdf(boost::math::binomial_distribution<double>(static_cast<double>(runs), 0.5),
                            static_cast<double>(hits));
}

double coin_tail(std::uint64_t hits, std::uint64_t runs) {
    return boost::math::cdf(boost::math::binomial_distribution<double>(static_cast<double>(runs), 0.5),
                            static_cast<double>(hits));
}

}  // namespace vtwin::scenario
